// Values of options and fields from the queries that their definitions name; each list is asked for once.
import { get, post } from "./api.js";
import { count } from "./dom.js";

const known = new Map(), read = new Map();

/**
 * The value sources of fields, by path. A source of a reference, such as `board`, counts for the field that it fills, `board/id`,
 * and for the field of its label, `board/name`, whose values are the labels. Each is { name, isLabel }.
 */
export function sourcesOf(fields) {
  const found = new Map();
  for (const { path, values } of fields ?? []) {
    if (!values) continue;
    found.set(path, { name: path, isLabel: false });
    const [value, label] = [values.value, values.label].map((own) => (own ? path + own : null));
    if (label && !found.has(label)) found.set(label, { name: path, isLabel: true });
    if (value) found.set(value, { name: path, isLabel: false });
  }
  return found;
}

/** Of the options of a form, those that the query of the values needs itself, such as the board whose statuses it lists. */
async function needed(connector, source, options) {
  if (Object.keys(options).length === 0) return {};
  const query = source && (await get(`operations/${encodeURIComponent(connector)}/${encodeURIComponent(source)}`));
  const names = (query?.options ?? []).filter((own) => own.required && Object.hasOwn(options, own.name)).map((own) => own.name);
  return Object.fromEntries(names.map((name) => [name, options[name]]));
}

/** `call()` says which system is asked: { connection, connector, operation, options }; `sourceOf(name)` names the query of the values. */
export function valueLists(call, sourceOf) {
  /** A loader for a combobox. */
  return (name, isLabel = false) => {
    const load = async () => {
      const request = { ...call(), name };
      const key = JSON.stringify(request);
      const ask = async () => post("values", { ...request, options: await needed(request.connector, sourceOf(name), request.options) });
      if (!known.has(key)) known.set(key, ask().catch((fault) => { known.delete(key); throw fault; }));
      const found = await known.get(key);
      read.set(key, found);
      return shape(found, isLabel);
    };
    /** What is known already, for the names of values that are set. */
    load.peek = () => {
      const found = read.get(JSON.stringify({ ...call(), name }));
      return found ? shape(found, isLabel) : null;
    };
    return load;
  };
}

const shape = (found, isLabel) => ({
  rows: found.values.map((own) => (isLabel ? { value: label(own), exact: label(own), label: label(own) } : { value: plain(own.value), exact: own.value, label: label(own) })),
  note: [`from ${found.source}`, !found.complete && `only the first ${count(found.values.length, "value")}; others can be typed`].filter(Boolean).join("; "),
});

const plain = (value) => (typeof value === "object" ? JSON.stringify(value) : value);
const label = (own) => String(own.label === null || own.label === undefined || own.label === "" ? plain(own.value) : plain(own.label));
