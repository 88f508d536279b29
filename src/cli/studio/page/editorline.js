// A line of the editor as it is drawn, and the entries of its faults.
import { el } from "./dom.js";
import { prose } from "./failure.js";

const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;
const TURNING = /[\u202a-\u202e\u2066-\u2069]/;

/** Characters that cannot be seen, as hints. */
export function unseen(lines) {
  const found = [];
  for (const [at, line] of lines.entries()) {
    if (found.length < 50 && line.search(HIDDEN) >= 0) {
      const column = line.search(HIDDEN) + 1,
        code = line
          .charCodeAt(column - 1)
          .toString(16)
          .toUpperCase()
          .padStart(4, "0");
      found.push({ line: at + 1, column, isHint: true, message: `a character that cannot be seen: U+${code}` });
    }
  }
  return found;
}

/** Where a fault is underlined: from its column to the end of the word, or a text in quotes. */
function range(line, column) {
  let from = Math.min(Math.max((column ?? 1) - 1, line.search(/\S|$/)), Math.max(line.length - 1, 0));
  // Of an entry of a list its content.
  if (/^-\s+\S/.test(line.slice(from))) from += /^-\s+/.exec(line.slice(from))[0].length;
  const word = /^(\$\{\{.*?\}\}|"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s,:\]}]+)/.exec(line.slice(from));
  return [from, from + Math.max(word?.[0].length ?? 1, 1)];
}

/** A line with its pieces, its faults and what cannot be seen. */
export function lineNode(line, parts, all) {
  // A character that turns the direction must not hide what is written.
  const own = el("span", { class: TURNING.test(line) ? "editor-line turned" : "editor-line" });
  const faults = all.map((fault) => [...range(line, fault.column), fault.isHint ? "hint" : "bad"]);
  const hidden = [...line.matchAll(HIDDEN)].map((match) => [match.index, match.index + 1, "hidden"]);
  const over = [...faults, ...hidden];
  const cuts = [...new Set([0, line.length, ...parts.flatMap(([from, to]) => [from, to]), ...over.flatMap(([from, to]) => [from, to])])]
    .filter((cut) => cut <= line.length)
    .sort((a, b) => a - b);
  for (let n = 0; n + 1 < cuts.length; n += 1) {
    const from = cuts[n],
      to = cuts[n + 1];
    const kinds = [...parts, ...over].filter(([a, b]) => a <= from && b >= to).map(([, , kind]) => `y-${kind}`);
    own.append(kinds.length > 0 ? el("span", { class: kinds.join(" ") }, line.slice(from, to)) : line.slice(from, to));
  }
  if (faults.some(([, to]) => to > line.length)) own.append(el("span", { class: "y-bad" }, " "));
  return own;
}

/** The entries of the list of faults; `go(line, column)` is called for one that was chosen. */
export function faultEntries(all, go) {
  const advice = (fault) => fault.advice && fault.advice !== fault.message && el("span", { class: "small" }, prose(String(fault.advice)));
  const link = (fault) =>
    el(
      "button",
      { type: "button", onclick: () => go(fault.line, fault.column) },
      el("b", {}, `Line ${fault.line}`),
      " ",
      prose(fault.message),
    );
  return all.slice(0, 200).map((fault) => el("li", { class: fault.isHint ? "hint" : "bad" }, link(fault), advice(fault)));
}
