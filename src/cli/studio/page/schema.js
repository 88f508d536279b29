// What a JSON Schema says about a form: the kind of a field, its properties, its hints.
import { exact, isNumber, isObject } from "./json.js";

const types = (schema) => [schema?.type ?? []].flat();

/** A schema without references; a list and a null beside the real one are left out. Returns [schema, root]. */
export function resolve(schema, root = schema) {
  for (let turn = 0; turn < 20 && schema; turn += 1) {
    if (schema.$defs) root = schema;
    if (schema.$ref?.startsWith("#/")) {
      const { $ref, ...own } = schema;
      const target = $ref.slice(2).split("/").reduce((at, part) => at?.[part.replace(/~1/g, "/").replace(/~0/g, "~")], root);
      schema = { ...target, ...own };
      continue;
    }
    const several = schema.anyOf ?? schema.oneOf ?? schema.allOf;
    if (!several || schema.properties) break;
    const chosen = several.find((own) => own.properties || own.$ref) ?? several.find((own) => !types(own).includes("null"));
    if (!chosen) break;
    const { anyOf, oneOf, allOf, ...rest } = schema;
    schema = { ...chosen, ...rest };
  }
  return [schema ?? {}, root];
}

/** The kind of control: choice, flag, number, date, time, text or json. */
export function kindOf(schema) {
  if (Array.isArray(schema?.enum)) return "choice";
  const own = types(schema).filter((type) => type !== "null");
  if (own.length !== 1) return "json";
  if (own[0] === "string") return { date: "date", "date-time": "time" }[schema.format] ?? "text";
  return { integer: "number", number: "number", boolean: "flag" }[own[0]] ?? "json";
}

/** Whether null may be sent. */
export const takesNull = (schema) => types(schema).includes("null") || types(schema).length === 0 || schema?.enum?.includes(null);

/** The kind of control that can say a value; what it cannot say is JSON. */
export function kindFor(schema, value) {
  const kind = kindOf(schema);
  if (value === undefined || value === null) return kind;
  if (kind === "choice") return schema.enum.some((own) => JSON.stringify(own) === JSON.stringify(value)) ? kind : "json";
  if (kind === "flag") return typeof value === "boolean" ? kind : "json";
  if (kind === "number") return isNumber(JSON.stringify(value)) ? kind : "json";
  if (kind === "json") return kind;
  if (typeof value !== "string") return "json";
  if (kind === "date") return /^\d{4}-\d\d-\d\d$/.test(value) ? kind : "text";
  if (kind === "time") return /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?Z$/.test(value) ? kind : "text";
  return kind;
}

/** What a person typed, as a value: undefined when nothing was typed. Wrong texts stay texts, so that the service says what is wrong. */
export function typed(kind, text, schema) {
  const own = text.trim();
  if (own === "") return undefined;
  if (kind === "choice") return schema.enum.find((value) => String(value) === own) ?? text;
  if (kind === "flag") return /^(true|yes)$/i.test(own) ? true : /^(false|no)$/i.test(own) ? false : text;
  if (kind === "number") return isNumber(own) ? exact(own) : text;
  if (kind === "json") { try { return exact(own); } catch { return text; } }
  if (kind === "time") return /^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(own) ? `${own}:00Z` : /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(own) ? `${own}Z` : text;
  return text;
}

/** A value as a control of its kind shows it. */
export function asText(kind, value) {
  if (value === undefined || value === null) return "";
  if (kind === "time") return value.slice(0, -1);
  if (kind === "json" || typeof value === "object") return JSON.stringify(value);
  return String(value);
}

/** Default and examples, as a hint. */
export function hint(schema) {
  const example = schema?.examples?.[0];
  if (schema?.default !== undefined) return `default: ${short(schema.default)}`;
  return example === undefined ? "" : `such as ${short(example)}`;
}

/** Limits, in words. */
export function limits(schema) {
  const { minimum, maximum, minLength, maxLength, pattern } = schema ?? {};
  if (minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum}`;
  if (minimum !== undefined) return `at least ${minimum}`;
  if (maximum !== undefined) return `at most ${maximum}`;
  if (maxLength !== undefined) return `at most ${maxLength} characters`;
  if (minLength > 1) return `at least ${minLength} characters`;
  return pattern && pattern.length < 40 ? `pattern ${pattern}` : "";
}

const short = (value) => {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 90 ? `${text.slice(0, 89)}…` : text;
};

/** The fields of an item, those of nested objects as paths: [{ path: ["a", "b"], schema, required }]. */
export function itemFields(items) {
  const found = [];
  const walk = (given, from, path, must) => {
    const [schema, root] = resolve(given, from);
    const own = Object.entries(schema.properties ?? {});
    if (path.length > 0 && (own.length === 0 || path.length > 2)) return found.push({ path, schema, required: must });
    for (const [name, part] of own) {
      if (name.startsWith("_") && path.length > 0) continue;
      const [inner, base] = resolve(part, root);
      const required = (schema.required ?? []).includes(name) && (must || path.length === 0);
      if (isObject(inner.properties)) walk(inner, base, [...path, name], required);
      else found.push({ path: [...path, name], schema: inner, required });
      if (found.length > 5000) return undefined;
    }
    return undefined;
  };
  if (items?.schema) walk(items.schema, items.schema, [], true);
  return found.sort((a, b) => Number(b.required) - Number(a.required));
}
