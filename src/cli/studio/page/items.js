// The items of an operation as a grid, or as JSON.
import { el, fill, count, tell } from "./dom.js";
import { dialog } from "./dialog.js";
import { exact, isObject } from "./json.js";
import { grid } from "./grid.js";
import { cellsOf } from "./paste.js";

/** See form.js for the arguments. Returns the node, `text()`, `unread()`, `faults(list)`, `focus(fault)` and `set(list)`. */
export function items(details, given, change, load) {
  let rows = start(details, given), isGrid = true, isSample = true;
  const told = el("p", { class: "fault", id: "items-fault", role: "status" });
  const number = el("span", { class: "badge" });
  const text = el("textarea", { rows: 14, spellcheck: "false", wrap: "off", "aria-describedby": "items-fault", "aria-label": "Items as JSON", hidden: true });
  const changed = () => { isSample = false; number.textContent = count(rows.length, "item"); change(); };
  const table = grid(details, given.ask ?? [], () => rows, changed, load, (own) => pasted(own));
  const modes = el("div", { class: "tabs small-tabs", role: "tablist", "aria-label": "Items as" });
  const tab = (name, own) => el("button", { type: "button", role: "tab", "aria-selected": String(isGrid === own), tabindex: isGrid === own ? 0 : -1, onclick: () => switchTo(own),
    onkeydown: (event) => { if (/^Arrow(Left|Right)$/.test(event.key)) { switchTo(!own); modes.querySelector("[aria-selected=true]").focus(); } } }, name);
  const drawTabs = () => fill(modes, tab("Grid", true), tab("JSON", false));
  const canGrid = () => rows.every(isObject);

  const switchTo = (own) => {
    if (own === isGrid) return;
    if (own && !read()) return;
    if (!own && JSON.stringify(rows).length > LONGEST) { told.textContent = "So many items are edited in the grid only: as JSON the text is too long."; return; }
    if (own && !canGrid()) { told.textContent = "Only a list of objects can be a grid."; return; }
    isGrid = own;
    told.textContent = "";
    show();
  };
  const show = () => {
    drawTabs();
    table.node.hidden = !isGrid;
    text.hidden = isGrid;
    number.textContent = count(rows.length, "item");
    if (isGrid) table.draw();
    else text.value = JSON.stringify(rows, null, 2);
  };
  /** Reads the JSON text; says what is wrong with it. */
  const read = () => {
    try {
      const own = exact(text.value.trim() || "[]");
      if (!Array.isArray(own)) throw new Error("a list is expected, such as [{ … }]");
      rows = own;
      told.textContent = "";
      return true;
    } catch (cause) {
      told.textContent = `This is no JSON list: ${cause.message}`;
      return false;
    }
  };
  text.addEventListener("input", () => { if (read()) changed(); else change(); });
  text.addEventListener("paste", (event) => { if (event.clipboardData.getData("text/plain").includes("\t") && pasted(event.clipboardData.getData("text/plain"))) event.preventDefault(); });

  const pasted = (own) => {
    const found = table.rowsOf(cellsOf(own));
    if (found.length === 0) return false;
    rows = isSample ? found : [...rows, ...found];
    changed();
    show();
    tell(`${count(found.length, "item")} pasted`);
    return true;
  };
  const bring = async () => {
    const box = el("textarea", { rows: 10, "aria-label": "Rows with a header", placeholder: "summary\tcompany/id\tboard/id\nPrinter is offline\t1\t1" });
    const file = el("input", { type: "file", accept: ".csv,.tsv,.txt,.json,.ndjson", "aria-label": "CSV file", onchange: async () => { box.value = await file.files[0].text(); } });
    const done = await dialog("Paste rows", [
      el("p", { class: "small" }, "Rows of a spreadsheet or of a CSV file, with a header. A header names a field, such as company/id. "
        + "Columns that no field fits are kept under their name."),
      box, el("p", { class: "bar" }, el("span", { class: "small" }, "or a CSV file:"), file)], [["Cancel", "", ""], ["Add the rows", "add", "main"]]);
    if (done === "add" && box.value.trim()) pasted(box.value);
  };
  const node = el("section", { class: "items", "aria-label": "Items" },
    el("div", { class: "items-head" }, el("h3", {}, "Items"), number, modes, el("button", { type: "button", class: "end", onclick: bring }, "Paste rows …")),
    told, table.node, text);
  if (!canGrid()) isGrid = false;
  show();
  return {
    node,
    text: () => (isGrid || text.value.trim() === "" ? (rows.length > 0 ? JSON.stringify(rows) : "") : text.value),
    size: () => rows.length,
    unread: () => { if (isGrid) return table.unread(); try { exact(text.value.trim() || "[]"); return false; } catch { return true; } },
    faults: (list) => {
      if (isGrid) table.faults(list);
      else if (list.length > 0) told.textContent = list.filter((fault) => /^\/\d+/.test(fault.field ?? "")).slice(0, 5).map((fault) => fault.message).join("; ");
      else if (!/JSON/.test(told.textContent)) told.textContent = "";
    },
    focus: (fault) => (isGrid ? table.focus(fault) : text.focus()),
    forget: () => table.draw(),
    set: (list) => {
      rows = list;
      isGrid = canGrid();
      changed();
      show();
      node.scrollIntoView({ block: "center" });
    },
  };
}

/** Longer texts freeze the text box of a browser. */
const LONGEST = 150_000;

const start = (details, given) => structured(given.items?.length > 0 ? given.items : details.items.sample ? [details.items.sample].flat() : []);
const structured = (value) => exact(JSON.stringify(value));
