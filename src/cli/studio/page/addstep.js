// A step is added to a batch as text: comments and all else stay as they are.

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
const isTop = (line) => /^[^\s#-]/.test(line);

/** The value of a key at the top, as it is written; undefined if it is not there or has no value in its line. */
function top(lines, key) {
  const line = lines.find((own) => own.startsWith(`${key}:`));
  return line
    ?.slice(key.length + 1)
    .replace(/\s#.*$/, "")
    .trim()
    .replace(/^["']|["']$/g, "");
}

/** An id that the text does not have yet, and the step with it. */
function unique(text, step) {
  const id = /^\s*-?\s*id:\s*["']?([\w]+)/m.exec(step)?.[1];
  const taken = (own) => new RegExp(`(^|[\\s{,-])id:\\s*["']?${own}["']?\\s*($|[,}#])`, "m").test(text);
  if (!id || !taken(id)) return { id, step };
  let n = 2;
  while (taken(`${id}_${n}`)) n += 1;
  const next = `${id}_${n}`;
  // Two steps must not write one file.
  return {
    id: next,
    step: step.replace(new RegExp(`(id:\\s*["']?)${escaped(id)}\\b`), `$1${next}`).replaceAll(`out/${id}.`, `out/${next}.`),
  };
}

/** The connection that a step needs to be told; null if the batch finds it by itself. */
function connection(lines, { connection: own, connector }, connections) {
  const usual = top(lines, "connection");
  if (own) return own === usual ? null : own;
  const fitting = connections.filter((known) => known.connector === connector).map((known) => known.connection);
  if (usual && fitting.includes(usual)) return null;
  if (fitting.length > 1 || (usual && fitting.length > 0)) return fitting[0];
  return null;
}

/**
 * The change of a text that adds a step at the end of `steps:`: `{ from, to, insert, line, id }`.
 * `added` is `{ text, connector, connection }`; `connections` are those that the page knows.
 */
export function withStep(text, added, connections) {
  const lines = text.split("\n");
  const named = unique(text, added.text.replace(/\s+$/, ""));
  const wanted = connection(lines, added, connections);
  let body = named.step.split("\n");
  const first = body.findIndex((line) => /^\s*- /.test(line));
  if (wanted && first >= 0 && !/^\s*connection:/m.test(named.step)) {
    const lead = " ".repeat(body[first].indexOf("-") + 2);
    body.splice(first + 1, 0, `${lead}connection: ${/^[\w.-]+$/.test(wanted) ? wanted : JSON.stringify(wanted)}`);
  }
  const start = lines.findIndex((line) => /^steps:/.test(line));
  const offset = (line) => lines.slice(0, line).reduce((sum, own) => sum + own.length + 1, 0);
  const own = Math.max(body[Math.max(first, 0)].search(/\S/), 0);
  const placed = (indent) =>
    body.map((line) => (line.trim() ? " ".repeat(indent) + line.slice(Math.min(own, line.search(/\S/))) : "")).join("\n");
  if (start < 0) {
    const lead = text === "" || text.endsWith("\n") ? "" : "\n";
    const insert = `${lead}steps:\n${placed(2)}\n`;
    return { from: text.length, to: text.length, insert, id: named.id, line: lines.length + (lead ? 1 : 0) + 1 + Math.max(first, 0) };
  }
  const inline = lines[start]
    .slice(6)
    .replace(/\s#.*$/, "")
    .trim();
  if (inline === "[]" || inline === "null" || inline === "~") {
    const from = offset(start) + 6;
    return {
      from,
      to: offset(start) + lines[start].indexOf(inline) + inline.length,
      insert: `\n${placed(2)}`,
      id: named.id,
      line: start + 2 + Math.max(first, 0),
    };
  }
  if (inline !== "" && !inline.startsWith("&"))
    throw new Error("The steps of this file are written in one line: write each of them in its own line first");
  let end = start + 1,
    last = start;
  for (; end < lines.length && !isTop(lines[end]); end += 1) if (lines[end].trim() && !/^#/.test(lines[end])) last = end;
  const entry = lines.slice(start + 1, end).find((line) => /^\s*-(\s|$)/.test(line));
  const indent = entry ? entry.indexOf("-") : 2;
  const at = offset(last) + lines[last].length;
  const gap = last > start && lines.slice(start, last).some((line) => line.trim() === "") ? "\n" : "";
  return { from: at, to: at, insert: `\n${gap}${placed(indent)}`, id: named.id, line: last + 2 + (gap ? 1 : 0) + Math.max(first, 0) };
}
