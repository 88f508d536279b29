// Reads a simple condition text back into tests; what it reads is right only if the service makes the same text of it.
import { exact, isNumber } from "./json.js";
import { kindOf, typed } from "./schema.js";

/** The tests of a text as { join, tests }, or null when it is not that simple. */
export function readTests(text, operators) {
  const parts = text.match(/"(?:[^"\\]|\\.)*"|\[[^\]]*\]|\([^)]*\)|[<>=!]+|[^\s<>=!"[\]()]+/g) ?? [];
  const tests = [];
  let join = null;
  for (let at = 0; at < parts.length;) {
    const field = parts[at], operator = operators.find((own) => own.toLowerCase() === parts[at + 1]?.toLowerCase());
    if (!operator || parts[at + 2] === undefined) return null;
    const value = readValue(parts[at + 2]);
    if (value === undefined) return null;
    tests.push({ field, operator, value });
    at += 3;
    if (at === parts.length) break;
    const word = parts[at].toLowerCase();
    if ((word !== "and" && word !== "or") || (join && join !== word) || at + 1 === parts.length) return null;
    join = word;
    at += 1;
  }
  return tests.length > 0 ? { join: join ?? "and", tests } : null;
}

function readValue(text) {
  if (/^"/.test(text)) { try { return exact(text); } catch { return undefined; } }
  if (text === "true" || text === "false" || text === "null" || isNumber(text)) return exact(text);
  if (/^\[.*\]$/.test(text)) return text.slice(1, -1);
  if (/^\(.*\)$/.test(text)) {
    const list = text.slice(1, -1).match(/"(?:[^"\\]|\\.)*"|[^,\s]+/g)?.map(readValue) ?? [];
    return list.length > 0 && list.every((own) => own !== undefined) ? list : undefined;
  }
  return undefined;
}

/** The tests of terms such as `status:eq:open`, or null. `schemaOf(field)` gives the schema of a field. */
export function readTerms(terms, operators, schemaOf) {
  const tests = terms.map((term) => {
    const [field, operator, ...rest] = String(term).split(":");
    const kind = kindOf(schemaOf(field) ?? {});
    const one = (text) => (kind === "number" || kind === "flag" ? typed(kind, text, {}) : text);
    const text = rest.join(":");
    return operators.includes(operator) && text ? { field, operator, value: operator === "in" || operator === "between" ? text.split(",").map(one) : one(text) } : null;
  });
  return tests.length > 0 && tests.every(Boolean) ? { join: "and", tests } : null;
}

/** Whether two texts are the same but for white space outside of quotes. */
export const isSame = (one, other) => bare(one) === bare(other);
const bare = (text) => typeof text === "string"
  ? text.replace(/("(?:[^"\\]|\\.)*")|\s+/g, (_, quoted) => quoted ?? "").toLowerCase() : JSON.stringify(text);
