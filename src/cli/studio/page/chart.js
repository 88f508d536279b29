// Pictures of a run, where looking beats reading: pages over time, and the outcomes of items.
import { el, fill, count } from "./dom.js";
import { seconds } from "./receipt.js";

const NS = "http://www.w3.org/2000/svg";
const node = (name, attributes) => {
  const own = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) own.setAttribute(key, value);
  return own;
};

/** Each page is a bar at its time, as high as its items; the time that was waited before it lies behind it. */
export function chart() {
  const bars = new Map();
  let pages = 0, retries = 0, waited = 0, known = [];
  const svg = node("svg", { viewBox: "0 0 600 64", preserveAspectRatio: "none", class: "chart", role: "img" });
  const keys = el("figcaption", {});
  const figure = el("figure", { class: "figure", hidden: true }, svg, keys);
  const draw = (at) => {
    const whole = Math.max(at, 1);
    bars.clear();
    // Many pages share a bar.
    for (const page of known) {
      const x = Math.round((page.at / whole) * 148);
      const before = bars.get(x) ?? { items: 0, retries: 0, wait: 0 };
      bars.set(x, { items: Math.max(before.items, page.items), retries: before.retries + (page.retries ?? 0), wait: Math.max(before.wait, page.wait_ms ?? 0) });
    }
    const most = Math.max(...[...bars.values()].map((bar) => bar.items), 1);
    const wide = Math.max(3, Math.min(14, 200 / bars.size));
    const shapes = [];
    for (const [x, bar] of bars) {
      const width = (bar.wait / whole) * 592;
      if (width > 1) shapes.push(node("rect", { class: "wait", x: Math.max(0, x * 4 - width), y: 4, width, height: 57 }));
      const height = Math.max((bar.items / most) * 54, 2);
      shapes.push(node("rect", { class: bar.retries > 0 ? "retried" : "", x: Math.min(x * 4, 598 - wide), y: 61 - height, width: wide, height }));
    }
    svg.replaceChildren(...shapes, node("line", { x1: 0, y1: 62, x2: 600, y2: 62 }));
    svg.setAttribute("aria-label", `${count(pages, "page")} in ${seconds(at)}${retries ? `, ${count(retries, "retry", "retries")}` : ""}`);
    fill(keys, el("span", { class: "key" }, `${count(pages, "page")} over ${seconds(at)}, up to ${count(most, "row")} each`),
      waited > 0 && el("span", { class: "key warn" }, `waits: ${seconds(waited)}`), retries > 0 && el("span", { class: "key warn" }, `after ${count(retries, "retry", "retries")}`));
    figure.hidden = pages < 2;
  };
  return {
    node: figure,
    add: (more, at) => {
      known.push(...more);
      pages += more.length;
      for (const page of more) { retries += page.retries ?? 0; waited += page.wait_ms ?? 0; }
      // A long run keeps the page of the most items of each moment only.
      if (known.length > 4000) known = known.filter((_, own) => own % 2 === 0);
      draw(at);
    },
  };
}

const KINDS = [["ok", "good", "ok"], ["failed", "bad", "failed"], ["unknown", "warn", "in doubt"], ["skipped", "soft", "not sent"]];

/** A bar of the outcomes, of so many items. */
export function outcomeBar(whole) {
  const svg = node("svg", { viewBox: "0 0 1000 14", preserveAspectRatio: "none", class: "outcome-bar", role: "img" });
  const keys = el("figcaption", {});
  return {
    node: el("figure", { class: "figure" }, svg, keys),
    set: (outcomes) => {
      let x = 0;
      const total = Math.max(whole, KINDS.reduce((sum, [kind]) => sum + outcomes[kind], 0), 1);
      svg.replaceChildren(node("rect", { class: "wait", x: 0, y: 0, width: 0, height: 14 }), ...KINDS.map(([kind]) => {
        const width = (outcomes[kind] / total) * 1000;
        x += width;
        return node("rect", { class: kind, x: x - width, y: 0, width, height: 14 });
      }));
      const text = KINDS.filter(([kind]) => outcomes[kind] > 0);
      svg.setAttribute("aria-label", text.map(([kind, , name]) => `${outcomes[kind]} ${name}`).join(", ") || "no outcomes yet");
      fill(keys, text.map(([kind, tone, name]) => el("span", { class: `key ${tone}` }, `${outcomes[kind].toLocaleString("en")} ${name}`)));
    },
  };
}
