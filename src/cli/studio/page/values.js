// Values of options and fields from the queries that their definitions name; each list is asked for once.
import { post } from "./api.js";
import { count } from "./dom.js";

const known = new Map();

/** `call()` says which system is asked: { connection, connector, operation, options }. */
export function valueLists(call) {
  /** A loader for a combobox. */
  return (name) => async () => {
    const request = { ...call(), name };
    const key = JSON.stringify(request);
    if (!known.has(key)) known.set(key, post("values", request).catch((fault) => { known.delete(key); throw fault; }));
    const found = await known.get(key);
    return {
      rows: found.values.map((own) => ({ value: plain(own.value), exact: own.value, label: label(own) })),
      note: [`from ${found.source}`, !found.complete && `only the first ${count(found.values.length, "value")}; others can be typed`].filter(Boolean).join("; "),
    };
  };
}

const plain = (value) => (typeof value === "object" ? JSON.stringify(value) : value);
const label = (own) => String(own.label === null || own.label === undefined || own.label === "" ? plain(own.value) : plain(own.label));
