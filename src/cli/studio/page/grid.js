// The grid of the items: columns from the schema and from what the items have; a page of rows is drawn at a time.
import { el, fill, count, tell, visible } from "./dom.js";
import { combo } from "./combo.js";
import { exact, isObject } from "./json.js";
import { columnOf, hasHead } from "./paste.js";
import { sourcesOf } from "./values.js";
import { asText, hint, itemFields, kindFor, kindOf, typed } from "./schema.js";

/** So many cells are drawn at a time, in so many columns at most. */
const CELLS = 500;
const MOST = 40;

const read = (item, path) => path.reduce((at, name) => (isObject(at) && Object.hasOwn(at, name) ? at[name] : undefined), item);

/** Sets a field; undefined removes it, and the objects that it leaves empty. */
function write(item, path, value) {
  const [name, ...rest] = path;
  if (rest.length === 0) value === undefined ? delete item[name] : (item[name] = value);
  else {
    if (!Object.hasOwn(item, name) || !isObject(item[name])) { if (value === undefined) return; item[name] = {}; }
    write(item[name], rest, value);
    if (value === undefined && Object.keys(item[name]).length === 0) delete item[name];
  }
}

/** The paths that an item has, those of nested objects too. */
function pathsOf(item, path = [], found = []) {
  for (const [name, value] of Object.entries(item)) {
    if (isObject(value) && Object.keys(value).length > 0 && path.length < 3) pathsOf(value, [...path, name], found);
    else found.push([...path, name]);
  }
  return found;
}

/** `rows()` gives the items, which the grid changes; `changed()` is called after that; `paste(text)` takes rows of a spreadsheet. */
export function grid(details, ask, rows, changed, load, paste) {
  const known = itemFields(details.items);
  const byPath = new Map(known.map((own) => [own.path.join("/"), own]));
  const sources = sourcesOf([...(details.fields ?? []), ...known.map((own) => ({ path: own.path.join("/"), values: own.schema.values }))]);
  const asked = new Set(ask.filter((own) => own.startsWith("/items/")).map((own) => own.split("/").slice(3).join("/")));
  const added = [], bad = new Map(), cells = new Map();
  let columns = [], page = 50, first = 0, current = null, listed = [];
  const head = el("tr", {});
  const body = el("tbody", {});
  const view = el("div", { class: "grid-view", role: "region", "aria-label": "Items as a grid", tabindex: 0 }, el("table", { class: "grid" }, el("thead", {}, head), body));
  const pager = el("span", { class: "small", role: "status" });
  const back = el("button", { type: "button", onclick: () => { first = Math.max(0, first - page); draw(); } }, "Previous");
  const next = el("button", { type: "button", onclick: () => { first += page; draw(); } }, "Next");
  const state = el("span", { class: "grid-state small" });
  const more = combo({ label: "Add a column", placeholder: "Add a column …", clears: true, strict: true,
    load: async () => ({
      rows: [...byPath].filter(([key]) => !columns.some((column) => column.key === key))
        .map(([key, own]) => ({ value: key, label: key, detail: (own.schema.description ?? "").slice(0, 80) })),
    }),
    take: (key) => { added.push(byPath.get(key).path); more.forget(); draw(); cells.get(`${first}:${key}`)?.focus(); } });
  const node = el("div", {}, view, el("div", { class: "bar grid-bar" }, el("button", { type: "button", onclick: () => add() }, "Add an item"), known.length > 0 && more.node, back, next, pager), state);

  const add = () => {
    rows().push({});
    first = Math.floor((rows().length - 1) / page) * page;
    changed();
    draw();
    cells.get(`${rows().length - 1}:${columns[0]?.key}`)?.focus();
  };
  const remove = (at) => {
    rows().splice(at, 1);
    bad.clear();
    changed();
    draw();
    tell("The item was removed");
    (cells.get(`${Math.min(at, rows().length - 1)}:${columns[0]?.key}`) ?? node.querySelector(".grid-bar button")).focus();
  };
  const columnsNow = () => {
    const used = new Map();
    for (const item of rows().slice(0, 2000)) for (const path of pathsOf(item)) if (!used.has(path.join("/"))) used.set(path.join("/"), path);
    // A whole object in one item and its fields in another: the fields stand.
    for (const key of [...used.keys()]) if ([...used.keys()].some((own) => own.startsWith(`${key}/`)) && byPath.get(key) === undefined) used.delete(key);
    const required = known.filter((own) => own.required);
    const all = [...required.map((own) => own.path), ...[...asked].map((key) => key.split("/")).filter((path) => byPath.has(path.join("/"))), ...used.values(), ...added];
    if (all.length === 0) all.push(...known.slice(0, 5).map((own) => own.path));
    const seen = new Set();
    columns = all.filter((path) => !seen.has(path.join("/")) && seen.add(path.join("/"))).slice(0, 400).map((path) => {
      const key = path.join("/");
      return { key, path, schema: byPath.get(key)?.schema ?? {}, required: byPath.get(key)?.required ?? false };
    });
  };
  const cell = (at, column) => {
    const item = rows()[at], value = read(item, column.path);
    const kind = column.schema.type || column.schema.enum ? kindFor(column.schema, value) : typeof value === "string" || value === undefined ? "text" : "json";
    const label = `${column.key}, item ${at + 1}`;
    const key = `${at}:${column.key}`;
    const give = (own) => { bad.delete(key); write(item, column.path, own); changed(); };
    let input, node;
    if (kind === "choice" || kind === "flag") {
      const choices = kind === "flag" ? [true, false] : column.schema.enum.filter((own) => own !== null);
      node = input = el("select", { "aria-label": label, onchange: () => give(input.value === "" ? undefined : exact(input.value)) },
        el("option", { value: "" }, "—"), choices.map((own) => el("option", { value: JSON.stringify(own) }, kind === "flag" ? (own ? "yes" : "no") : String(own))));
      input.value = value === undefined || value === null ? "" : JSON.stringify(value);
    } else if (sources.has(column.key) && kind !== "json") {
      const own = combo({ label, value: asText(kind, value), placeholder: placeholder(value, column), load: load(sources.get(column.key).name, sources.get(column.key).isLabel),
        take: (text, row) => give(row ? row.exact : typed(kind, String(text), column.schema)) });
      node = own.node;
      input = own.input;
    } else {
      const type = { date: "date", time: "datetime-local" }[kind] ?? "text";
      // A text of several lines stays one.
      node = input = el(kind === "text" && /\n/.test(value ?? "") ? "textarea" : "input", {
        type, "aria-label": kind === "time" ? `${label}, in UTC` : label, class: kind === "json" ? "code" : "", step: kind === "time" ? "1" : null, dir: "auto",
        placeholder: placeholder(value, column), inputmode: kind === "number" ? "decimal" : null, autocomplete: "off", spellcheck: "false",
      });
      input.value = asText(kind, value);
      input.addEventListener("input", () => {
        if (kind === "json" && input.value.trim()) { try { exact(input.value); } catch { bad.set(key, input); input.setAttribute("aria-invalid", "true"); return changed(); } }
        return give(typed(kind, input.value, column.schema));
      });
    }
    input.addEventListener("focus", () => focused(at, column, kind));
    input.addEventListener("paste", (event) => {
      const text = event.clipboardData.getData("text/plain");
      if (/[\t\n]/.test(text.trim()) && paste(text)) event.preventDefault();
    });
    input.addEventListener("keydown", (event) => {
      if (event.altKey && event.key === "Delete") { event.preventDefault(); remove(at); }
      if (event.altKey && event.key === "Insert") { event.preventDefault(); add(); }
      if (event.ctrlKey && /^Arrow(Up|Down)$/.test(event.key)) { event.preventDefault(); cells.get(`${at + (event.key === "ArrowDown" ? 1 : -1)}:${column.key}`)?.focus(); }
    });
    cells.set(key, input);
    return el("td", {}, node);
  };
  const placeholder = (value, column) => (value === null ? "null" : value === "" ? "empty text" : hint(column.schema).replace(/^such as /, ""));
  /** What can be said of the cell besides its value. */
  const focused = (at, column, kind) => {
    current = { at, column, kind };
    const item = rows()[at];
    const set = (own) => { write(item, column.path, own); changed(); draw(); cells.get(`${current.at}:${column.key}`)?.focus(); };
    const button = (text, own) => el("button", { type: "button", class: "link", onclick: () => set(own) }, text);
    const fault = listed.find((own) => placed(own) === `${at}:${column.key}`);
    fill(state, el("strong", {}, `${column.key}, item ${at + 1}`), fault && el("span", { class: "fault" }, ` ${fault.message.replace(/^item \d+: /, "")}`),
      ": ", button("not sent", undefined), " · ", kind === "text" && [button("empty text", ""), " · "], button("null", null),
      column.schema.description && ` — ${visible(column.schema.description)}`);
  };
  const draw = () => {
    columnsNow();
    cells.clear();
    page = Math.max(10, Math.min(50, Math.floor(CELLS / Math.max(columns.length, 1))));
    const all = rows(), shown = columns.slice(0, MOST);
    if (first >= all.length) first = Math.max(0, Math.floor((all.length - 1) / page) * page);
    fill(head, el("th", { scope: "col" }, "#"), shown.map((column) => el("th", { scope: "col", title: visible(column.schema.description ?? "") },
      visible(column.key), kindOf(column.schema) === "time" && " (UTC)", column.required && el("span", { class: "required" }, " *"),
      asked.has(column.key) && el("span", { class: "badge on" }, "fill in"))), el("td", {}));
    fill(body, all.slice(first, first + page).map((_, own) => el("tr", {}, el("th", { scope: "row" }, String(first + own + 1)), shown.map((column) => cell(first + own, column)),
      el("td", {}, el("button", { type: "button", class: "quiet", "aria-label": `Remove item ${first + own + 1}`, title: "Remove (Alt Delete)", onclick: () => remove(first + own) }, "×")))));
    view.hidden = all.length === 0;
    back.hidden = next.hidden = all.length <= page;
    back.disabled = first === 0;
    next.disabled = first + page >= all.length;
    pager.textContent = [all.length === 0 && "No items yet: add one, or paste rows of a spreadsheet.", all.length > page && `${first + 1} to ${Math.min(first + page, all.length)} of ${count(all.length, "item")}`,
      columns.length > MOST && `${columns.length - MOST} more columns: use JSON`].filter(Boolean).join("; ");
    faults(listed);
  };
  /** The cell of a fault: a missing field is named in its message only. */
  const placed = (fault) => {
    const [, at, ...path] = (fault.field ?? "").split("/");
    const own = path.join("/").replace(/~1/g, "/").replace(/~0/g, "~");
    const missing = fault.message.match(/`([^`]+)` is missing/)?.[1];
    const whole = missing && !own.endsWith(missing) ? [own, missing].filter(Boolean).join("/") : own;
    const column = columns.find((one) => one.key === whole) ?? columns.find((one) => whole && one.key.startsWith(`${whole}/`)) ?? columns.find((one) => whole.startsWith(`${one.key}/`));
    return column ? `${at}:${column.key}` : "";
  };
  const faults = (list) => {
    listed = list.filter((fault) => /^\/\d+/.test(fault.field ?? ""));
    for (const [key, input] of cells) { input.setAttribute("aria-invalid", String(bad.has(key))); input.title = ""; }
    for (const fault of listed) {
      const input = cells.get(placed(fault));
      if (input) { input.setAttribute("aria-invalid", "true"); input.title = visible(fault.message); }
    }
    if (current && node.contains(document.activeElement)) focused(current.at, current.column, current.kind);
  };
  return {
    node, draw, faults,
    unread: () => bad.size > 0,
    focus: (fault) => {
      const at = Number(fault?.field?.split("/")[1] ?? 0);
      if (at < first || at >= first + page) { first = Math.floor(at / page) * page; draw(); }
      (cells.get(fault ? placed(fault) : "") ?? cells.get(`${at}:${columns[0]?.key}`) ?? view).focus();
    },
    /** The items of rows of cells. Without a head, the columns that are shown are meant. */
    rowsOf: (lines) => {
      const isHead = hasHead(lines, known.length > 0 ? known : columns);
      const heads = isHead ? lines[0].map((name) => columnOf(name, known) ?? { path: name.trim().split("/").filter(Boolean), schema: {} }) : columns;
      return lines.slice(isHead ? 1 : 0).map((line) => {
        const item = {};
        line.forEach((text, at) => {
          const { path, schema } = heads[at] ?? { path: [] };
          if (path.length === 0 || text.trim() === "") return;
          const kind = schema.type || schema.enum ? kindOf(schema) : "text";
          write(item, path, kind === "time" || kind === "date" ? text.trim() : typed(kind, text, schema));
        });
        return item;
      }).filter((item) => Object.keys(item).length > 0);
    },
  };
}
