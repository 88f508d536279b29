// Steps over time: a bar for each stretch of work, hatched where it waits for a system.
import { el, fill, visible } from "./dom.js";
import { lasting, status } from "./runwords.js";

/** A round step of the scale, so that there are at most six marks. */
const scale = (whole) => {
  const raw = whole / 5,
    power = 10 ** Math.floor(Math.log10(Math.max(raw, 1)));
  return [1, 2, 5, 10].map((n) => n * power).find((n) => n >= raw) ?? power * 10;
};

/**
 * Draws `rows`: `{ name, status, text, spans: [[from, to]], waits: [[from, to]] }` in milliseconds of one clock.
 */
export function timeline() {
  const node = el("ol", { class: "timeline", "aria-label": "Steps over time" });
  const axis = el("div", { class: "timeline-axis", "aria-hidden": "true" });
  const whole = el("div", { class: "timeline-whole" }, node, axis);
  const bar = (kind, from, to, start, length) => {
    const own = el("span", { class: kind });
    own.style.insetInlineStart = `${((from - start) / length) * 100}%`;
    own.style.width = `${Math.max(((to - from) / length) * 100, 0)}%`;
    return own;
  };
  const draw = (rows, from, to) => {
    whole.hidden = rows.length === 0;
    const times = rows.flatMap((row) => row.spans.flat());
    const start = from ?? Math.min(...times),
      length = Math.max((to ?? Math.max(...times)) - start, 1);
    fill(
      node,
      rows.map((row) => {
        const [word, kind] = status(row.status);
        return el(
          "li",
          {},
          el("span", { class: "timeline-name" }, el("bdi", {}, visible(row.name))),
          el(
            "span",
            { class: "timeline-track", "aria-hidden": "true" },
            row.spans.map(([a, b]) => bar(`timeline-bar ${kind}`, a, b, start, length)),
            row.waits.map(([a, b]) => bar("timeline-wait", a, b, start, length)),
          ),
          el("span", { class: "timeline-text" }, el("span", { class: `timeline-status ${kind}` }, word), row.text && ` · ${row.text}`),
        );
      }),
    );
    const step = scale(length),
      marks = [];
    for (let at = 0; at <= length; at += step) {
      const mark = el("span", {}, at === 0 ? "0" : lasting(at).replace(".0 s", " s"));
      mark.style.insetInlineStart = `${(at / length) * 100}%`;
      marks.push(mark);
    }
    fill(axis, el("div", {}, marks));
  };
  return { node: whole, draw };
}
