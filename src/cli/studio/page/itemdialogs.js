// The questions about items that need a person: sending again what may be done, editing, settling.
import { el, count } from "./dom.js";
import { dialog } from "./dialog.js";
import { editor } from "./editor.js";
import { pretty } from "./json.js";

/** An item as JSON; its numbers keep their digits. */
export const json = (value) => pretty(JSON.stringify(value ?? null));

/** Asks before an item is sent again that may have taken effect. */
export const risked = (many) =>
  dialog(
    "This may send twice",
    [
      el(
        "p",
        {},
        many === 1
          ? "The outcome of this item is unknown: the system may have done it although no answer came."
          : `The outcome of ${many} items is unknown: the system may have done them although no answer came.`,
      ),
      el(
        "p",
        {},
        "If it has, sending again does it a second time: a second record, or a change that overwrites a newer one. " +
          "Look in the system first, or use Verify if the step has it.",
      ),
    ],
    [
      ["Do not send", "", ""],
      ["Send again", "send", "bad"],
    ],
  ).then((answer) => answer === "send");

/** JSON for the editor: where it is not JSON is a fault. */
function jsonFaults(text) {
  try {
    JSON.parse(text);
    return { faults: [] };
  } catch (cause) {
    const at = Number(/position (\d+)/.exec(cause.message)?.[1] ?? 0),
      before = text.slice(0, at).split("\n");
    return { faults: [{ line: before.length, column: before.at(-1).length + 1, message: `This is not JSON: ${cause.message}` }] };
  }
}

/** Lets a person edit an item; gives its JSON, or null. */
export async function edited(item) {
  const code = editor({ text: json(item.item), label: "Item as JSON", check: async (text) => jsonFaults(text) });
  code.node.classList.add("item-editor");
  let text = null;
  for (;;) {
    const answer = await dialog(
      `Edit item ${item.number} of ${item.step}`,
      el(
        "div",
        {},
        el("p", { class: "small" }, "It is checked against its operation, and then sent. It has another idempotency key than before."),
        code.node,
        el("div", { class: "editor-foot" }, code.status, code.keys),
        code.list,
      ),
      [
        ["Cancel", "", ""],
        ["Send the edited item", "send", "main"],
      ],
      "wide",
    );
    if (answer !== "send") break;
    if (jsonFaults(code.text()).faults.length === 0) {
      text = code.text();
      break;
    }
  }
  code.leave();
  return text;
}

/** Asks before items are taken off the list; gives the note, or null. */
export async function settled(many) {
  const note = el("input", { id: "settle-note", autocomplete: "off" });
  const answer = await dialog(
    `Settle ${count(many, "item")}`,
    [
      el("p", {}, "It is taken off the list, and nothing is sent. The note stays with the run."),
      el("div", { class: "field" }, el("label", { for: "settle-note" }, "Note"), el("div", { class: "value" }, note)),
    ],
    [
      ["Cancel", "", ""],
      ["Settle", "settle", "main"],
    ],
  );
  if (answer !== "settle") return null;
  return note.value.trim() ? { note: note.value.trim() } : {};
}
