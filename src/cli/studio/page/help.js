// The dialog that lists the keyboard shortcuts.
import { el } from "./dom.js";
import { dialog } from "./dialog.js";

const KEYS = [
  ["/", "Search operations and templates"],
  ["↑ ↓", "Move in the list of hits, in a list of values, in rows"],
  ["Enter", "Open the hit; choose the value"],
  ["Esc", "Clear the search; close a list or a dialog"],
  ["Ctrl Enter", "Run what the form says"],
  ["Ctrl .", "Cancel the run"],
  ["Ctrl ↑ ↓", "Move between items, in the grid"],
  ["Alt Insert", "Add an item"],
  ["Alt Delete", "Remove the item or the condition"],
  ["Alt Shift C", "Copy the call"],
  ["Alt Shift B", "Add the call to the batch"],
  ["?", "Show this list"],
];

export function shortcuts() {
  const list = el("table", { class: "plain keys" }, el("tbody", {}, KEYS.map(([keys, text]) =>
    el("tr", {}, el("th", { scope: "row" }, keys.split(" ").map((key) => el("kbd", {}, key))), el("td", {}, text)))));
  dialog("Keyboard shortcuts", [list]);
}
