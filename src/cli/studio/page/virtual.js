// A list that draws only the rows that are visible.

/**
 * `view` scrolls, `space` is inside it. `draw(row, at)` makes the node of a row, `height(row)` its pixels; `near(at)` is called
 * with the number of the last row that is drawn.
 */
export function virtual(view, space, { draw, height, near }) {
  let rows = [], offsets = [0];
  const drawn = new Map();
  const paint = () => {
    const top = view.scrollTop - 200, bottom = view.scrollTop + view.clientHeight + 200;
    let at = first(top), last = at;
    const wanted = new Set();
    for (; at < rows.length && offsets[at] < bottom; at += 1) {
      wanted.add(at);
      last = at;
      if (drawn.has(at)) continue;
      const node = draw(rows[at], at);
      node.style.top = `${offsets[at]}px`;
      node.style.height = `${offsets[at + 1] - offsets[at]}px`;
      drawn.set(at, node);
      space.append(node);
    }
    for (const [own, node] of drawn) if (!wanted.has(own)) { node.remove(); drawn.delete(own); }
    near?.(last);
  };
  const first = (top) => {
    let low = 0, high = rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (offsets[middle + 1] <= top) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  view.addEventListener("scroll", () => requestAnimationFrame(paint), { passive: true });
  const watch = new ResizeObserver(() => paint());
  watch.observe(view);
  return {
    /** Shows other rows; `stay` keeps the place. */
    set(more, stay = false) {
      rows = more;
      offsets = [0];
      for (const row of rows) offsets.push(offsets.at(-1) + height(row));
      for (const node of drawn.values()) node.remove();
      drawn.clear();
      space.style.height = `${offsets.at(-1)}px`;
      if (!stay) view.scrollTop = 0;
      paint();
    },
    /** Scrolls to a row, and gives its node. */
    reveal(at) {
      if (offsets[at] < view.scrollTop) view.scrollTop = offsets[at];
      else if (offsets[at + 1] > view.scrollTop + view.clientHeight) view.scrollTop = offsets[at + 1] - view.clientHeight;
      paint();
      return drawn.get(at);
    },
    redraw() {
      for (const node of drawn.values()) node.remove();
      drawn.clear();
      paint();
    },
    node: (at) => drawn.get(at),
    stop: () => watch.disconnect(),
  };
}
