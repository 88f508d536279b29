// The form of an operation: required fields first, the others by a search or when they are set, and the items.
import { el, fill } from "./dom.js";
import { combo } from "./combo.js";
import { conditions } from "./conditions.js";
import { field } from "./fields.js";
import { items as itemsForm } from "./items.js";
import { exact } from "./json.js";
import { valueLists } from "./values.js";

/** So many options are all shown. */
const FEW = 4;

/**
 * `given` has options and items; `ask` the places that a template wants to be filled in; `change()` is called when a value has changed;
 * `system()` names the connection. Returns the node, `request()` as JSON text, `faults(error)`, `items()` and `setItems(list)`.
 */
export function form(details, given, change, system) {
  const values = new Map(Object.entries(given.options ?? {}));
  const asked = new Set((given.ask ?? []).filter((own) => own.startsWith("/options/")).map((own) => own.split("/")[2]));
  const unread = new Map();
  const fields = new Map();
  // A list may depend on what is required, such as the id of a board.
  const needed = () => Object.fromEntries(details.options.filter((own) => own.required && values.has(own.name)).map((own) => [own.name, values.get(own.name)]));
  const load = valueLists(() => ({ connection: system(), connector: details.connector, operation: details.operation, options: needed() }),
    (name) => (details.options.find((own) => own.name === name) ?? details.fields?.find((own) => own.path === name))?.values?.operation);
  const rules = new Map((details.conditions ?? []).map((own) => [own.option, own]));
  const shown = el("div", { class: "fields" });
  const make = (option) => {
    const rule = rules.get(option.name);
    const own = field({
      ...option, value: values.get(option.name), asked: asked.has(option.name),
      load: option.values ? load(option.name) : null,
      inner: rule && details.fields?.length > 0 ? conditions({ details, rule, load }) : null,
    }, (value, fault) => {
      value === undefined ? values.delete(option.name) : values.set(option.name, value);
      fault ? unread.set(option.name, fault) : unread.delete(option.name);
      change();
    });
    fields.set(option.name, own);
    return own.node;
  };
  // What a template asks for comes first, then what is required, then what is set.
  const filter = details.options.find((own) => rules.has(own.name))?.name;
  const rank = (own) => (asked.has(own.name) ? 0 : own.required ? 1 : own.name === filter ? 2 : values.has(own.name) ? 3 : 4);
  const sorted = [...details.options].sort((a, b) => rank(a) - rank(b));
  const first = sorted.filter((own, at) => rank(own) < 4 || sorted.length <= FEW || (at < 2 && !rules.has(own.name)));
  const others = sorted.filter((own) => !first.includes(own));
  fill(shown, first.map(make));
  // An option that the definition does not know is kept, and shown as JSON.
  for (const name of values.keys()) {
    if (!details.options.some((own) => own.name === name)) shown.append(make({ name, schema: {}, required: false }));
  }
  const more = others.length > 0 && combo({
    label: "Add an option", placeholder: `Add one of ${others.length} more options …`, strict: true, clears: true,
    load: async () => ({ rows: others.filter((own) => !fields.has(own.name)).map((own) => ({ value: own.name, label: own.name, detail: (own.schema?.description ?? "").slice(0, 90) })) }),
    take: (name) => {
      shown.append(make(details.options.find((own) => own.name === name)));
      more.forget();
      fields.get(name).focus();
    },
  });
  const items = details.items ? itemsForm(details, given, change, load) : null;
  const summary = el("div", { class: "faults", role: "status" });
  const node = el("form", { onsubmit: (event) => event.preventDefault(), "aria-label": "Options and items" }, summary,
    (details.options.length > 0 || !items) && el("h3", { class: "first" }, "Options"),
    details.options.length === 0 && !items && el("p", { class: "small" }, "This operation has no options."),
    shown, more && el("div", { class: "more" }, more.node), items?.node);

  // An option that is missing may be told as missing in an item.
  const placed = (given) => {
    // People count items from one, as the grid does.
    const message = given.message.replace(/^the (items|options) (for|of) \S+ do not fit: /, "").replace(/^item (\d+): /, (_, at) => `item ${Number(at) + 1}: `);
    const fault = { ...given, message };
    const name = fault.message.match(/`([^`]+)` is missing/)?.[1];
    return fields.has(name) && !values.has(name) && !fields.has(fault.field?.split("/")[1]) ? { ...fault, field: `/${name}` } : fault;
  };
  const focusOn = (fault) => {
    const name = fault.field?.split("/")[1];
    if (fields.has(name)) return () => fields.get(name).focus();
    return items && /^\d+$/.test(name ?? "") ? () => items.focus(fault) : null;
  };
  return {
    node,
    request: () => {
      const parts = [`"method":${JSON.stringify(details.method)}`, `"operationId":${JSON.stringify(details.operation)}`,
        `"options":${JSON.stringify(Object.fromEntries(values))}`];
      const text = items?.text();
      if (text) parts.push(`"items":${text}`);
      return `{${parts.join(",")}}`;
    },
    /** What keeps it from being sent at all: texts that are no JSON. */
    missing: () => details.options.filter((own) => own.required && !values.has(own.name)).map((own) => own.name),
    unread: () => unread.size > 0 || (items?.unread() ?? false),
    /** Shows what does not fit: `isNew` when nothing was filled in yet, so that nothing is wrong, but something is to be done. */
    faults: (error, isNew = false) => {
      const all = (error?.faults?.length ? error.faults : error ? [{ message: error.message, field: error.place?.field }] : []).map(placed);
      const own = (fault, name) => fault.field === `/${name}` || fault.field?.startsWith(`/${name}/`);
      for (const [name, one] of fields) if (!unread.has(name)) one.faults(isNew ? [] : all.filter((fault) => own(fault, name)));
      items?.faults(isNew ? [] : all);
      fill(summary, all.length > 0 && el("div", { class: isNew ? "card todo" : "failure" },
        el("strong", {}, isNew ? "Still to be filled in" : all.length === 1 ? "One thing does not fit" : `${all.length} things do not fit`),
        el("ul", {}, all.slice(0, 12).map((fault) => {
          const go = focusOn(fault);
          return el("li", {}, go ? el("button", { type: "button", class: "link", onclick: go }, fault.message) : fault.message);
        })), all.length > 12 && el("p", { class: "small" }, `and ${all.length - 12} more`)));
    },
    /** Lists of values are asked for again, since another system is called. */
    forget: () => { for (const own of fields.values()) own.forget?.(); items?.forget(); },
    size: () => items?.size() ?? 0,
    items: () => (items?.text() ? exact(items.text()) : []),
    setItems: (list) => items?.set(list),
    focus: () => (fields.values().next().value ?? items)?.focus?.(),
  };
}
