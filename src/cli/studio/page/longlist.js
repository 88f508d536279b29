// A list that draws only the rows that can be seen; all rows have the same height.
import { el, fill } from "./dom.js";

/** Browsers do not show boxes of more pixels than this. */
const TALLEST = 8_000_000;
const AROUND = 6;

/** `draw(item, at)` makes a row. Returns the node, and `set(items)`. */
export function longList({ height, draw, label, isList = true, className = "" }) {
  const space = el("div", { class: "long-space", role: isList ? "none" : null });
  const node = el("div", { class: `long ${className}`, tabindex: 0, role: isList ? "list" : "region", "aria-label": label }, space);
  const drawn = new Map();
  let items = [], waiting = false;
  const make = (at) => {
    const row = draw(items[at], at);
    row.style.top = `${at * height}px`;
    row.style.height = `${height}px`;
    row.classList.add("long-row");
    if (isList) {
      row.setAttribute("role", "listitem");
      row.setAttribute("aria-setsize", items.length);
      row.setAttribute("aria-posinset", at + 1);
    }
    drawn.set(at, row);
    return row;
  };
  const show = () => {
    waiting = false;
    const first = Math.max(0, Math.floor(node.scrollTop / height) - AROUND);
    const last = Math.min(items.length, first + Math.ceil((node.clientHeight || 400) / height) + 2 * AROUND);
    // A row that has the focus stays, so that Tab goes on from it.
    for (const [at, row] of drawn) {
      if ((at >= first && at < last) || row.contains(document.activeElement)) continue;
      row.remove();
      drawn.delete(at);
    }
    let next = null;
    for (let at = last - 1; at >= first; at -= 1) {
      const row = drawn.get(at) ?? space.insertBefore(make(at), next);
      next = row;
    }
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
      drawn.clear();
      fill(space);
      show();
    },
  };
}
