// The columns of a table of rows: nested fields as paths, those that say most first, widths that fit.
import { isObject, isRaw } from "./json.js";

const FIRST = ["id", "identifier", "number", "name", "title", "summary", "displayName", "firstName", "lastName", "email", "status", "state", "type"];
const SHOWN = 12;

/** The value at a path. */
export const valueAt = (row, path) => path.reduce((at, name) => (isObject(at) ? at[name] : undefined), row);

/** A value as a cell shows it. */
export function cellText(value) {
  if (value === null || value === undefined) return "";
  if (isRaw(value)) return JSON.stringify(value);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Adds the paths of a row to the known columns, a map of key to { key, path, widest, isNumber, used }. */
export function learn(known, row, path = []) {
  if (!isObject(row)) { if (path.length === 0) note(known, ["value"], row); return; }
  for (const [name, value] of Object.entries(row)) {
    const own = [...path, name];
    if (isObject(value) && path.length < 2 && Object.keys(value).length > 0) learn(known, value, own);
    else note(known, own, value);
    if (known.size > 5000) return;
  }
}

function note(known, path, value) {
  const key = path.join("/");
  if (!known.has(key)) known.set(key, { key, path, widest: key.length, isNumber: true, used: 0 });
  const column = known.get(key);
  const text = cellText(value);
  if (text === "") return;
  column.used += 1;
  column.widest = Math.max(column.widest, Math.min(text.length, 60));
  if (typeof value !== "number" && !isRaw(value)) column.isNumber = false;
}

/** The width of a column in pixels. */
export const widthOf = (column) => Math.round(Math.max(56, Math.min(320, column.widest * 7.8 + 30)));

/** The columns that are shown at first: names and states before ids of references and long texts. */
export function suggested(known) {
  const all = [...known.values()];
  const rank = (column) => {
    const [name, inner] = column.path;
    const at = FIRST.indexOf(name);
    if (name.startsWith("_")) return 900;
    if (column.path.length === 1) return (at >= 0 ? at : 100) + (column.used === 0 ? 300 : 0) + (column.key.length > 30 ? 40 : 0);
    if (column.path.length === 2 && (inner === "name" || inner === "identifier")) return (at >= 0 ? at : 50) + (inner === "name" ? 0.5 : 60);
    return 500;
  };
  const sorted = all.sort((a, b) => rank(a) - rank(b));
  const good = sorted.filter((column) => rank(column) < 900);
  return new Set((good.length > 0 ? good : sorted).slice(0, SHOWN).map((column) => column.key));
}
