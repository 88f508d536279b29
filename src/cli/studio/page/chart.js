// Pages over time, where looking beats reading: each page is a bar at its time, as high as its items.
import { count } from "./dom.js";

const NS = "http://www.w3.org/2000/svg";
const node = (name, attributes) => {
  const own = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) own.setAttribute(key, value);
  return own;
};

export function chart() {
  const pages = [];
  const svg = node("svg", { viewBox: "0 0 600 80", class: "chart", role: "img" });
  const draw = (at) => {
    const whole = Math.max(at, 1), most = Math.max(...pages.map((page) => page.items), 1);
    // Many pages share a bar.
    const bars = new Map();
    for (const page of pages) {
      const x = Math.round((page.at / whole) * 590);
      bars.set(x, Math.max(bars.get(x) ?? 0, page.items));
    }
    svg.replaceChildren(...[...bars].map(([x, items]) => node("rect", { x: x + 2, y: 76 - (items / most) * 70, width: 3, height: Math.max((items / most) * 70, 1) })), node("line", { x1: 0, y1: 77, x2: 600, y2: 77 }));
    svg.setAttribute("aria-label", `${count(pages.length, "page")} in ${(at / 1000).toFixed(1)} s`);
  };
  return { node: svg, add: (more, at) => { pages.push(...more); draw(at); } };
}
