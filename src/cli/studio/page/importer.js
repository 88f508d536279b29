// Makes a connector of a description of an API: a file that is read in the browser, a pasted text, or a path.
// First there is a preview, then the import.
import { el, fill, tell, visible } from "./dom.js";
import { get, post } from "./api.js";
import { failure } from "./failure.js";
import { operationList } from "./operationlist.js";
import { textField } from "./connectionform.js";
import { size, textView } from "./textview.js";

const KINDS = [["openapi", "OpenAPI or Swagger document"], ["postman", "Postman collection"], ["har", "HAR file"],
  ["curl", "curl command lines"]];
const LARGEST = 48e6;

/** What a text is, by its beginning. */
function kindOf(text) {
  const head = text.slice(0, 20_000);
  if (/^\s*(\$\s*)?curl\s/m.test(head) && !/^\s*[{[]/.test(head)) return "curl";
  if (/^\s*['"]?(openapi|swagger)['"]?\s*:/m.test(head) || /"(openapi|swagger)"\s*:\s*"/.test(head)) return "openapi";
  if (/getpostman\.com|"_postman_id"/.test(head)) return "postman";
  if (/^\s*\{\s*"log"\s*:/.test(head)) return "har";
  return null;
}

/** `acme shop.openapi.yaml` is proposed as acme-shop. */
const nameOf = (file) => file.split(/[\\/]/).at(-1).replace(/\.(openapi|swagger|postman_collection|postman|json|ya?ml|har|txt|sh)\b/gi, "")
  .toLowerCase().replace(/[^a-z\d]+/g, "-").replace(/^-|-$/g, "");

export function importPage({ root, context }) {
  let source = null, tab = "file", asked = 0;
  const told = el("div", { class: "told", role: "status" });
  const kind = el("select", { id: "import-kind" }, KINDS.map(([value, text]) => el("option", { value }, text)));
  const base = textField({ title: "Address of the API", optional: true, placeholder: "https://api.example.com/v2",
    about: "In place of the one that the description has." }, () => again());
  const name = textField({ title: "Name of the connector", placeholder: "acme-shop", about: "Small letters, digits and hyphens." },
    () => again());
  const preview = el("button", { type: "submit", class: "main", disabled: true }, "Preview");
  const hint = () => el("div", { class: "empty" }, el("h3", {}, "First a preview"),
    el("p", {}, "It lists the operations that the description has, and says what was left out and what is not known. "
      + "Nothing is written before you import it."));
  const again = () => { asked += 1; preview.classList.add("main"); fill(told, hint()); };
  kind.addEventListener("change", again);

  const take = (next, wanted) => {
    source = next;
    preview.disabled = source === null;
    again();
    if (!source) return;
    const found = source.text !== undefined ? kindOf(source.text) : null;
    if (found) kind.value = found;
    if (wanted && !name.value()) name.input.value = wanted;
  };

  const chosen = el("p", { class: "small", role: "status" });
  const read = async (file) => {
    if (!file) return;
    if (file.size > LARGEST) return fill(chosen, el("span", { class: "fault" },
      `${visible(file.name)} has ${size(file.size)}. Give its path instead.`));
    const text = await file.text();
    take({ text }, nameOf(file.name));
    fill(chosen, el("strong", {}, visible(file.name)), ` · ${size(file.size)}`);
    return undefined;
  };
  const input = el("input", { type: "file", id: "import-file", accept: ".json,.yaml,.yml,.har,.txt,.sh",
    onchange: () => read(input.files[0]) });
  const drop = el("div", { class: "drop", ondragover: (event) => { event.preventDefault(); drop.classList.add("over"); },
    ondragleave: () => drop.classList.remove("over"),
    ondrop: (event) => { event.preventDefault(); drop.classList.remove("over"); read(event.dataTransfer.files[0]); } },
  el("label", { for: "import-file" }, "Choose a file, or drop it here"), input, chosen);
  const paste = el("textarea", { rows: 10, spellcheck: "false", "aria-label": "Text of the description",
    placeholder: "openapi: 3.1.0 …\n\nor\n\ncurl https://api.example.com/v2/books -H 'Authorization: Bearer …'" });
  paste.addEventListener("input", () => take(paste.value.trim() ? { text: paste.value } : null));
  const path = textField({ title: "Path of the file", placeholder: "specs/books.openapi.yaml",
    about: "Absolute, or from the folder in which opnode studio was started. Files that it refers to are read, too." },
    () => take(path.value() ? { path: path.value() } : null, undefined));
  path.input.addEventListener("change", () => { if (!name.value()) name.input.value = nameOf(path.value()); });
  const places = { file: drop, paste, path: path.node };
  const body = el("div", { id: "import-place", role: "tabpanel", "aria-labelledby": "import-tab-file" }, drop);
  const tabs = [["file", "File"], ["paste", "Paste"], ["path", "Path"]].map(([value, text]) => el("button",
    { type: "button", role: "tab", id: `import-tab-${value}`,
    "aria-controls": "import-place", onclick: () => turn(value), onkeydown: (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = tabs[(tabs.findIndex((own) => own === event.currentTarget) + step + tabs.length) % tabs.length];
      turn(next.id.replace("import-tab-", ""));
      next.focus();
    } }, text));
  const turn = (next) => {
    tab = next;
    for (const own of tabs) {
      const isOn = own.id === `import-tab-${tab}`;
      own.setAttribute("aria-selected", String(isOn));
      own.tabIndex = isOn ? 0 : -1;
    }
    body.setAttribute("aria-labelledby", `import-tab-${tab}`);
    fill(body, places[tab]);
    if (tab === "file") { input.value = ""; fill(chosen); take(null); }
    if (tab === "paste") take(paste.value.trim() ? { text: paste.value } : null);
    if (tab === "path") take(path.value() ? { path: path.value() } : null);
  };

  const run = async (dry) => {
    if (!name.value()) { name.faults([{ message: "the connector needs a name" }]); return name.focus(); }
    const own = (asked += 1);
    preview.disabled = true;
    fill(told, el("p", { class: "waiting" }, dry ? "Reading the description …" : "Writing the connector …"));
    try {
      const answer = await post("import", { kind: kind.value, ...source, connector: name.value(), base_url: base.value() || null, dry });
      if (own === asked) show(answer, dry);
    } catch (cause) {
      if (own === asked) fill(told, failure(cause, dry ? "It cannot be read" : "It was not imported"));
    } finally {
      preview.disabled = source === null;
    }
    return undefined;
  };
  const show = async (answer, dry) => {
    preview.classList.remove("main");
    const isFailed = answer.exit_code !== 0 && (answer.errors ?? []).length > 0;
    const connector = name.value();
    const report = answer.output && el("details", {}, el("summary", {}, "Report"), textView(answer.output, "Report"));
    const faults = (answer.errors ?? []).map((error) => failure({ error }, isFailed ? "It cannot be imported" : undefined));
    if (report) report.open = dry;
    if (isFailed) return fill(told, faults, report);
    const link = dry ? null : (operation) => `#/operations/${encodeURIComponent(connector)}/${encodeURIComponent(operation.operation)}`;
    const operations = (answer.operations ?? []).length > 0 && operationList(answer.operations, "Operations of the description", link);
    if (dry) {
      fill(told, el("div", { class: "bar" }, el("button", { type: "button", class: "main", onclick: () => run(false) },
        `Import as ${visible(connector)}`),
        el("span", { class: "small" }, "Nothing has been written yet.")), faults, report, operations);
      tell(`${answer.operations?.length ?? 0} operations`);
      return undefined;
    }
    context.about = await get("about").catch(() => context.about);
    fill(told, el("p", { class: "success" }, "The connector ", el("strong", {}, visible(connector)), " is written."),
      el("div", { class: "bar" }, el("a", { class: "button main", href: `#/connections/~new/${encodeURIComponent(connector)}` },
        "Make a connection"),
        el("a", { class: "button", href: `#/connectors/${encodeURIComponent(connector)}` }, "Open the connector")), faults, report,
          operations);
    tell(`The connector ${connector} is written`);
    return undefined;
  };
  turn("file");
  fill(root, el("a", { class: "back", href: "#/connectors" }, "All connectors"),
    el("div", { class: "setup-head" }, el("h2", { tabindex: -1 }, "Import a description of an API")),
    el("p", { class: "small" },
      "OpenAPI 2 and 3, Postman collections, HAR files and curl command lines. Nothing is sent; the file is read on this computer only."),
    el("div", { class: "setup-import" }, el("form", { class: "import-form", onsubmit: (event) => { event.preventDefault(); run(true); } },
      el("div", { class: "tabs", role: "tablist", "aria-label": "Where the description is" }, tabs), body,
      el("div", { class: "field" }, el("label", { for: "import-kind" }, "Kind"), el("div", { class: "value" }, kind)), name.node, base.node,
        el("div", { class: "bar" }, preview)), told));
  return { isDirty: () => false, stop: () => { asked += 1; } };
}
