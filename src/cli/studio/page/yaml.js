// YAML for the eye: the pieces of a line, and what the next line begins with. Good enough to colour, never used to understand.

const EXPRESSION = /\$\{\{[^]*?(\}\}|$)/y;
const WORD = /(true|false|null|~|-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?)(?=\s*($|[,\]}]|\s#))/y;
const KEY = /("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#:,[\]{}"'&*!|>%@`-][^:#,[\]{}"']*?|[-\w$][\w$./-]*)(?=\s*:(\s|$))/y;

/** A text in quotes from `at`; `isOpen` when it goes on in the next line. */
function quoted(line, at, quote) {
  for (let end = at; end < line.length; end += 1) {
    if (quote === '"' && line[end] === "\\") end += 1;
    else if (line[end] === quote && quote === "'" && line[end + 1] === "'") end += 1;
    else if (line[end] === quote) return { end: end + 1, isOpen: false };
  }
  return { end: line.length, isOpen: true };
}

/** Splits a piece where expressions are in it. */
function withExpressions(line, from, to, kind, pieces) {
  let at = from;
  while (at < to) {
    const start = line.indexOf("${{", at);
    if (start < 0 || start >= to) break;
    EXPRESSION.lastIndex = start;
    const end = Math.min(start + EXPRESSION.exec(line)[0].length, to);
    if (start > at) pieces.push([at, start, kind]);
    pieces.push([start, end, "expression"]);
    at = end;
  }
  if (at < to) pieces.push([at, to, kind]);
}

/**
 * The pieces `[from, to, kind]` of a line that begins in `state`, and the state of the next line:
 * "" is nothing special, `"` or `'` an open text, `|N` a block whose parent begins in column N.
 */
export function pieces(line, state) {
  const found = [];
  const indent = line.search(/\S|$/);
  if (state[0] === "|") {
    if (indent === line.length || indent > Number(state.slice(1))) {
      withExpressions(line, 0, line.length, "string", found);
      return { found, state };
    }
    state = "";
  }
  let at = 0,
    key = indent;
  if (state === '"' || state === "'") {
    const { end, isOpen } = quoted(line, 0, state);
    withExpressions(line, 0, end, "string", found);
    if (isOpen) return { found, state };
    at = end;
  }
  let isStart = true,
    isEntry = false;
  while (at < line.length) {
    const c = line[at];
    if (c === " " || c === "\t") {
      at += 1;
      continue;
    }
    if (c === "#" && (at === 0 || /\s/.test(line[at - 1]))) {
      found.push([at, line.length, "comment"]);
      return { found, state: "" };
    }
    if (isStart && c === "-" && /\s|$/.test(line[at + 1] ?? "")) {
      found.push([at, at + 1, "mark"]);
      key = at;
      at += 1;
      continue;
    }
    KEY.lastIndex = at;
    const name = isStart || isEntry ? KEY.exec(line) : null;
    isEntry = c === "{" || c === ",";
    if (name) {
      if (isStart) key = at;
      found.push([at, at + name[0].length, "key"]);
      at += name[0].length;
      isStart = false;
      continue;
    }
    isStart = false;
    if (c === '"' || c === "'") {
      const { end, isOpen } = quoted(line, at + 1, c);
      withExpressions(line, at, end, "string", found);
      if (isOpen) return { found, state: c };
      at = end;
    } else if (line.startsWith("${{", at)) {
      EXPRESSION.lastIndex = at;
      const end = at + EXPRESSION.exec(line)[0].length;
      found.push([at, end, "expression"]);
      at = end;
    } else if ((c === "|" || c === ">") && /^[|>][+-]?\d?[+-]?\s*(#.*)?$/.test(line.slice(at))) {
      found.push([at, line.length, "mark"]);
      return { found, state: `|${key}` };
    } else if ("{}[],:".includes(c)) {
      found.push([at, at + 1, "mark"]);
      at += 1;
    } else if (c === "&" || c === "*" || c === "!") {
      const end = at + /^\S[^\s,\]}]*/.exec(line.slice(at))[0].length;
      found.push([at, end, "mark"]);
      at = end;
    } else {
      WORD.lastIndex = at;
      const word = WORD.exec(line);
      if (word) {
        found.push([at, at + word[0].length, "word"]);
        at += word[0].length;
      } else {
        const rest = /^[^]+?(?=\$\{\{|\s#|[,\]}]|: |$)/.exec(line.slice(at));
        at += Math.max(rest?.[0].length ?? 1, 1);
      }
    }
  }
  return { found, state: "" };
}

/** The pieces of lines that are drawn; lines that did not change are not read again. */
export function painter() {
  let known = [];
  return (lines, from, to) => {
    const painted = [];
    let state = "";
    for (let at = 0; at < Math.min(to, lines.length); at += 1) {
      let own = known[at];
      if (!own || own.line !== lines[at] || own.before !== state)
        own = known[at] = { line: lines[at], before: state, ...pieces(lines[at], state) };
      state = own.state;
      if (at >= from) painted.push(own.found);
    }
    known.length = Math.min(known.length, lines.length);
    return painted;
  };
}
