// A list that draws only the rows that can be seen; all rows have the same height.
import { el, fill } from "./dom.js";

/** Browsers do not show boxes of more pixels than this. */
const TALLEST = 8_000_000;
const AROUND = 6;

/** `draw(item, at)` makes a row. Returns the node, and `set(items)`. */
export function longList({ height, draw, label, isList = true, className = "" }) {
  const space = el("div", { class: "long-space", role: isList ? "none" : null });
  const node = el("div", { class: `long ${className}`, tabindex: 0, role: isList ? "list" : "region", "aria-label": label }, space);
  let items = [], waiting = false;
  const show = () => {
    waiting = false;
    const first = Math.max(0, Math.floor(node.scrollTop / height) - AROUND);
    const last = Math.min(items.length, first + Math.ceil((node.clientHeight || 400) / height) + 2 * AROUND);
    fill(space, items.slice(first, last).map((item, at) => {
      const row = draw(item, first + at);
      row.style.top = `${(first + at) * height}px`;
      row.style.height = `${height}px`;
      row.classList.add("long-row");
      if (isList) {
        row.setAttribute("role", "listitem");
        row.setAttribute("aria-setsize", items.length);
        row.setAttribute("aria-posinset", first + at + 1);
      }
      return row;
    }));
  };
  const later = () => {
    if (!waiting) requestAnimationFrame(show);
    waiting = true;
  };
  node.addEventListener("scroll", later, { passive: true });
  new ResizeObserver(later).observe(node);
  return {
    node,
    set: (all) => {
      items = all.slice(0, Math.floor(TALLEST / height));
      space.style.height = `${items.length * height}px`;
      node.scrollTop = 0;
      show();
    },
  };
}
