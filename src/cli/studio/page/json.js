// JSON that keeps the digits of its numbers.

/** A number whose digits JavaScript would change, as a raw value; JSON.stringify writes it as it was. */
const kept = (value, source) =>
  source !== undefined && String(value) !== source && JSON.rawJSON ? JSON.rawJSON(source) : value;

/** Parses JSON; numbers that would lose digits become raw values. */
export function exact(text) {
  // Only texts that have such numbers pay for the slower way.
  if (!/\d{16}|\d[.eE]|-0/.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_, value, context) => (typeof value === "number" ? kept(value, context?.source) : value));
}

/** Whether a value is a raw number. */
export const isRaw = (value) => typeof value === "object" && value !== null && JSON.isRawJSON?.(value) === true;

/** Whether a value is an object with fields, not a list, null or a number. */
export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value) && !isRaw(value);

/** Whether a text is a JSON number. */
export const isNumber = (text) => /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text);

/** JSON text with white space; only white space is added, so that digits stay as they are. */
export function pretty(text) {
  let out = "", depth = 0;
  const line = () => `\n${"  ".repeat(Math.max(depth, 0))}`;
  const parts = text.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gs) ?? [];
  for (const [at, part] of parts.entries()) {
    if (part === "{" || part === "[") {
      depth += 1;
      out += /[}\]]/.test(parts[at + 1] ?? "") ? part : part + line();
    } else if (part === "}" || part === "]") {
      depth -= 1;
      out += /[{[]/.test(parts[at - 1] ?? "") && parts[at - 1].length === 1 ? part : line() + part;
    } else if (part === ",") out += `,${line()}`;
    else out += part === ":" ? ": " : part;
  }
  return out;
}
