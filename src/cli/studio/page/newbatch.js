// A new batch file: its name, and what it begins with.
import { el, tell } from "./dom.js";
import { post } from "./api.js";
import { dialog } from "./dialog.js";

const BEGINNINGS = [
  ["empty", "Empty", "No steps: add them from Operations, or write them.", () => "steps: []\n"],
  [
    "read",
    "Read and save",
    "Reads records and saves them as a CSV file.",
    () => `steps:
  - id: records
    query: OPERATION   # Ctrl+Space shows the operations
    save: out/records.csv
`,
  ],
  [
    "write",
    "Write the rows of a file",
    "Loads rows of a CSV file and writes each of them.",
    () => `steps:
  - id: rows
    load: { from: in/rows.csv }

  - id: written
    mutate: OPERATION   # Ctrl+Space shows the operations
    items: \${{ steps.rows.items }}
    map:
      name: \${{ item.name }}
    # A refused item does not stop the others.
    on_error: continue
`,
  ],
];

/** Asks for a new file, and writes it. Gives its path, or null. */
export async function newBatch(files, content = null) {
  const taken = new Set(files.map((file) => file.path));
  let n = 1;
  while (taken.has(`batch${n === 1 ? "" : n}.yaml`)) n += 1;
  const name = el("input", {
    id: "new-batch",
    value: `batch${n === 1 ? "" : n}.yaml`,
    "aria-describedby": "new-batch-fault",
    autocomplete: "off",
    spellcheck: "false",
  });
  const told = el("p", { class: "fault", id: "new-batch-fault", role: "alert" });
  const choices = BEGINNINGS.map(([value, title, text], at) =>
    el(
      "label",
      { class: "choice" },
      el("input", { type: "radio", name: "beginning", value, checked: at === 0 }),
      el("span", {}, el("b", {}, title), el("span", { class: "small" }, text)),
    ),
  );
  const body = el(
    "div",
    {},
    el(
      "div",
      { class: "field" },
      el("label", { for: "new-batch" }, "File"),
      el("div", { class: "value" }, name),
      el("p", { class: "about" }, "A path in the folder of opnode studio."),
      told,
    ),
    content === null && el("fieldset", { class: "choices" }, el("legend", {}, "Begin with"), choices),
  );
  for (;;) {
    if (
      (await dialog("New batch", body, [
        ["Cancel", "", ""],
        ["Make the file", "make", "main"],
      ])) !== "make"
    )
      return null;
    const path = /\.ya?ml$/.test(name.value.trim()) ? name.value.trim() : `${name.value.trim()}.yaml`;
    const own = path
      .split("/")
      .pop()
      .replace(/\.ya?ml$/, "")
      .replace(/[^A-Za-z0-9._-]+/g, "-");
    const chosen =
      BEGINNINGS[
        Math.max(
          choices.findIndex((choice) => choice.firstChild.checked),
          0,
        )
      ];
    const text = content ?? `version: 1\nname: ${own}\n${chosen[3]()}`;
    try {
      await post("file", { path, text, digest: null });
      tell(`${path} was made.`);
      return path;
    } catch (fault) {
      told.textContent = fault.error?.kind === "state" ? `${path} is there already: choose another name.` : fault.message;
    }
  }
}
