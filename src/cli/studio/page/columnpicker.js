// The choice of the columns of a table, with a search.
import { el, fill, count, visible } from "./dom.js";
import { suggested } from "./columns.js";

const MOST = 200;

/** `known` is the map of the columns; `chosen()` the keys that are shown; `choose(set)` shows others. */
export function columnPicker(known, chosen, choose) {
  const filter = el("input", { type: "search", placeholder: "Find a column", "aria-label": "Find a column", oninput: () => draw() });
  const list = el("div", { role: "group", "aria-label": "Columns" });
  const note = el("p", { class: "small", role: "status" });
  const box = el("div", { class: "columns", popover: "auto" }, filter,
    el("p", { class: "bar" }, el("button", { type: "button", class: "link", onclick: () => change(new Set(matching().map((own) => own.key))) }, "All"),
      el("button", { type: "button", class: "link", onclick: () => change(new Set()) }, "None"),
      el("button", { type: "button", class: "link", onclick: () => change(suggested(known)) }, "Suggested")), list, note);
  const button = el("button", { type: "button", "aria-haspopup": "dialog", popoverTargetElement: box }, "Columns");
  const matching = () => [...known.values()].filter((own) => own.key.toLowerCase().includes(filter.value.trim().toLowerCase()));
  const change = (own) => { choose(own); draw(); };
  const draw = () => {
    const found = matching(), now = chosen() ?? new Set();
    fill(list, found.slice(0, MOST).map((own) => el("label", {}, el("input", { type: "checkbox", checked: now.has(own.key), onchange: (event) => {
      const next = new Set(now);
      event.target.checked ? next.add(own.key) : next.delete(own.key);
      choose(next);
      for (const key of [...now]) if (!next.has(key)) now.delete(key);
      for (const key of next) now.add(key);
    } }), visible(own.key))));
    note.textContent = found.length === 0 ? "No column fits" : found.length > MOST ? `${count(found.length - MOST, "more column")}: search for them` : "";
  };
  box.addEventListener("toggle", (event) => {
    if (event.newState !== "open") return;
    const around = button.getBoundingClientRect();
    const isUp = innerHeight - around.bottom < 300 && around.top > innerHeight - around.bottom;
    box.style.left = `${Math.min(around.left, innerWidth - 400 > 8 ? innerWidth - 400 : 8)}px`;
    box.style.top = isUp ? "auto" : `${around.bottom + 4}px`;
    box.style.bottom = isUp ? `${innerHeight - around.top + 4}px` : "auto";
    draw();
    filter.focus();
  });
  return { node: el("span", {}, button, box), known: () => { button.textContent = `Columns (${known.size.toLocaleString("en")})`; } };
}
