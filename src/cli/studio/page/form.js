// The form of an operation: required fields first, the others by search or when they are set, items as JSON or a table.
import { el, fill } from "./dom.js";
import { field } from "./fields.js";

/** `change()` is called when a value has changed. Returns the node, `request()` as JSON text, and `faults(error)`. */
export function form(details, given, change) {
  const values = new Map(Object.entries(given.options ?? {}).map(([name, value]) => [name, JSON.stringify(value)]));
  const fields = new Map();
  const shown = el("div", { class: "fields" });
  const more = el("details", { class: "more" });
  const others = details.options.filter((own) => !own.required && !values.has(own.name));
  const make = (option) => {
    const own = field({ ...option, value: values.get(option.name) }, (value) => {
      value === undefined ? values.delete(option.name) : values.set(option.name, value);
      change();
    });
    fields.set(option.name, own);
    return own.node;
  };
  fill(shown, details.options.filter((own) => own.required).map(make), details.options.filter((own) => !own.required && values.has(own.name)).map(make));
  const filter = el("input", { type: "search", placeholder: "Find a field", "aria-label": "Find a field" });
  const rest = el("div", { class: "fields" });
  const filtered = () => fill(rest, others.filter((own) => own.name.toLowerCase().includes(filter.value.toLowerCase())).slice(0, 40).map((own) => fields.get(own.name)?.node ?? make(own)));
  filter.addEventListener("input", filtered);
  fill(more, el("summary", {}, `${others.length} more options`), filter, rest);
  more.addEventListener("toggle", () => more.open && rest.childElementCount === 0 && filtered());
  let items = null;
  let itemsTold = null;
  if (details.items) {
    const sample = given.items ?? (details.items.sample ? [details.items.sample].flat() : []);
    items = el("textarea", { id: "items", rows: 12, spellcheck: "false", "aria-describedby": "items-fault", "aria-label": "Items" });
    items.value = JSON.stringify(sample, null, 2);
    items.addEventListener("input", change);
    items.addEventListener("paste", (event) => {
      const rows = pasted(event.clipboardData.getData("text/plain"));
      if (!rows) return;
      event.preventDefault();
      items.value = JSON.stringify(rows, null, 2);
      change();
    });
    itemsTold = el("p", { class: "fault", id: "items-fault" });
  }
  const node = el("form", { onsubmit: (event) => event.preventDefault() },
    el("h3", {}, "Options"), details.options.length === 0 && el("p", { class: "small" }, "It has no options."), shown, others.length > 0 && more,
    items && [el("h3", {}, "Items"), el("p", { class: "small" }, "JSON, or paste rows of a spreadsheet with their header."), items, itemsTold]);
  return {
    node,
    request: () => {
      const options = [...values].map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(",");
      const parts = [`"method":${JSON.stringify(details.method)}`, `"operationId":${JSON.stringify(details.operation)}`, `"options":{${options}}`];
      if (items && items.value.trim()) parts.push(`"items":${items.value}`);
      return `{${parts.join(",")}}`;
    },
    faults: (error) => {
      const all = error?.faults?.length ? error.faults : error ? [{ message: error.message, field: error.place?.field }] : [];
      for (const [name, own] of fields) own.faults(all.filter((fault) => fault.field === `/${name}` || fault.field?.startsWith(`/${name}/`)));
      const known = (fault) => [...fields.keys()].some((name) => fault.field?.split("/")[1] === name);
      const left = all.filter((fault) => !known(fault));
      if (itemsTold) itemsTold.textContent = left.map((fault) => `${fault.field ?? ""} ${fault.message}`.trim()).join("; ");
      return itemsTold ? [] : left;
    },
  };
}

/** Rows of a spreadsheet as items; nothing for other texts. */
export function pasted(text) {
  const lines = text.replace(/\r/g, "").split("\n").filter((line) => line !== "");
  if (lines.length < 2 || !lines[0].includes("\t")) return null;
  const names = lines[0].split("\t");
  return lines.slice(1).map((line) => Object.fromEntries(line.split("\t").map((cell, at) => [names[at], cell]).filter(([name, cell]) => name && cell !== "")));
}
