// The difference of two texts, line by line.
import { el, visible } from "./dom.js";

const MOST = 4_000_000;

/** The lines of both: `[sign, line]` with " ", "-" (only before) or "+" (only after). */
export function difference(before, after) {
  const a = before.split("\n"),
    b = after.split("\n");
  let from = 0,
    end = 0;
  while (from < Math.min(a.length, b.length) && a[from] === b[from]) from += 1;
  while (end < Math.min(a.length, b.length) - from && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const x = a.slice(from, a.length - end),
    y = b.slice(from, b.length - end),
    middle = [];
  if (x.length * y.length > MOST) middle.push(...x.map((line) => ["-", line]), ...y.map((line) => ["+", line]));
  else {
    // The longest common lines.
    const wide = y.length + 1,
      long = new Uint32Array((x.length + 1) * wide);
    for (let i = x.length - 1; i >= 0; i -= 1) {
      for (let j = y.length - 1; j >= 0; j -= 1) {
        long[i * wide + j] = x[i] === y[j] ? long[(i + 1) * wide + j + 1] + 1 : Math.max(long[(i + 1) * wide + j], long[i * wide + j + 1]);
      }
    }
    let i = 0,
      j = 0;
    while (i < x.length || j < y.length) {
      if (i < x.length && j < y.length && x[i] === y[j]) {
        middle.push([" ", x[i]]);
        i += 1;
        j += 1;
      } else if (j >= y.length || (i < x.length && long[(i + 1) * wide + j] >= long[i * wide + j + 1])) middle.push(["-", x[i++]]);
      else middle.push(["+", y[j++]]);
    }
  }
  const same = (line) => [" ", line];
  return [...a.slice(0, from).map(same), ...middle, ...a.slice(a.length - end).map(same)];
}

/** The difference to look at: changed lines with three lines around them. */
export function diffView(before, after, names) {
  const lines = difference(before, after);
  const isNear = lines.map((_, at) => lines.slice(Math.max(0, at - 3), at + 4).some(([sign]) => sign !== " "));
  const rows = [];
  for (const [at, [sign, line]] of lines.entries()) {
    if (isNear[at]) rows.push(el("div", { class: { "-": "gone", "+": "new", " ": "" }[sign] }, `${sign} ${visible(line.slice(0, 500))}`));
    else if (isNear[at - 1] ?? at === 0) rows.push(el("div", { class: "gap" }, "…"));
    if (rows.length > 2000) {
      rows.push(el("div", { class: "gap" }, "… there is more"));
      break;
    }
  }
  return el(
    "div",
    {},
    el("p", { class: "small" }, `- ${names[0]}, + ${names[1]}`),
    el("pre", { class: "diff", tabindex: 0, dir: "ltr", role: "region", "aria-label": "Difference" }, rows),
  );
}
