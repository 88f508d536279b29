// Rows in a table that draws only what is visible.
import { el, fill, count, visible } from "./dom.js";
import { get } from "./api.js";
import { columnPicker } from "./columnpicker.js";
import { cellText, learn, suggested, valueAt, widthOf } from "./columns.js";
import { rowDialog } from "./rowdialog.js";

const HEIGHT = 30;
/** Rows that are asked for at once, and such parts that are kept: usually, and of large rows, of which the service gives fewer. */
const PART = 100, PARTS = 40, SMALL = 8;
/** Browsers do not show boxes of more pixels than this: beyond it, a step of the scroll bar is several rows. */
const TALLEST = 8_000_000;
const MOST = 60;

export function table(run) {
  const parts = new Map(), known = new Map();
  let rows = 0, chosen = null, isOwn = false, drawing = 0, learned = 0, size = PART;
  const head = el("tr", {});
  const body = el("tbody", {});
  const grid = el("table", {}, el("thead", {}, head), body);
  const space = el("div", { class: "space" }, grid);
  const view = el("div", { class: "rows fades", tabindex: 0, role: "region", "aria-label": "Rows" }, space);
  const picker = columnPicker(known, () => chosen, (own) => { isOwn = true; chosen = own; draw(); });
  const told = el("span", { class: "small" });
  const node = el("div", { class: "table", hidden: true }, el("div", { class: "bar rows-bar" }, picker.node, told), view);

  const read = async (number, own) => {
    const first = number * own, wanted = Math.min(own, rows - first), found = [];
    while (found.length < wanted && own === size) {
      const more = await get(`runs/${run}/rows?first=${first + found.length}&count=${own - found.length}`);
      if (more.length === 0) break;
      found.push(...more);
      if (found.length < wanted && size !== SMALL) { size = SMALL; parts.clear(); }
    }
    return found;
  };
  const part = (number, own) => {
    if (!parts.has(number)) {
      if (parts.size > (own === SMALL ? SMALL : PARTS)) parts.delete(parts.keys().next().value);
      parts.set(number, read(number, own).catch(() => { if (own === size) parts.delete(number); return []; }));
    }
    return parts.get(number);
  };
  const rowAt = async (at) => {
    const own = size, found = await part(Math.floor(at / own), own);
    return own === size ? found[at % own] : rowAt(at);
  };
  const draw = async () => {
    const turn = (drawing += 1);
    const whole = Math.min(rows * HEIGHT, TALLEST);
    space.style.height = `${whole + HEIGHT}px`;
    const fits = Math.ceil(view.clientHeight / HEIGHT) + 1;
    const most = Math.max(whole + HEIGHT - view.clientHeight, 0);
    // The place in the list goes with the place of the scroll bar.
    const place = most === 0 ? 0 : Math.min(view.scrollTop / most, 1);
    const exact = place * Math.max(rows - (view.clientHeight - HEIGHT) / HEIGHT, 0);
    // At the end the last row is seen whole.
    const first = Math.max(0, Math.min(view.scrollTop > most - 1 ? Math.ceil(exact) : Math.floor(exact), rows - 1));
    const found = [];
    for (let at = first; at < Math.min(first + fits, rows); at += 1) found.push([at, await rowAt(at)]);
    if (turn !== drawing) return;
    if (learned < 400) for (const [, row] of found) { learned += 1; learn(known, row); }
    if (!isOwn) chosen = learned < 400 || !chosen ? suggested(known) : chosen;
    const columns = [...chosen].map((key) => known.get(key)).filter(Boolean).slice(0, MOST);
    fill(head, el("th", { scope: "col" }, el("span", { class: "none" }, "#")), columns.map((column) => {
      const cell = el("th", { scope: "col", title: visible(column.key) }, visible(column.key));
      cell.style.minWidth = cell.style.maxWidth = `${widthOf(column)}px`;
      return cell;
    }));
    fill(body, found.map(([at, row]) => el("tr", { "aria-rowindex": at + 2 },
      el("th", { scope: "row" }, el("button", {
        type: "button", class: "number", "aria-label": `Row ${at + 1} as JSON`, title: "The row as JSON", onclick: () => rowDialog(at, rows, rowAt),
      }, (at + 1).toLocaleString("en"))),
      columns.map((column) => cellNode(column, row)))));
    grid.setAttribute("aria-rowcount", String(rows + 1));
    grid.style.transform = `translateY(${view.scrollTop}px)`;
    told.textContent = [columns.length < known.size && `${columns.length} of ${count(known.size, "column")} shown`, chosen.size > MOST && `the first ${MOST} of the chosen`].filter(Boolean).join("; ");
    picker.known();
  };
  const cellNode = (column, row) => {
    const value = column.key === "value" && (typeof row !== "object" || row === null) ? row : valueAt(row, column.path);
    const cell = el("td", { class: column.isNumber && column.used > 0 ? "figures" : "", dir: "auto" }, value === null ? el("span", { class: "none" }, "null") : visible(cellText(value).slice(0, 200)));
    cell.style.maxWidth = `${widthOf(column)}px`;
    return cell;
  };
  view.addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
  const watch = new ResizeObserver(() => draw());
  watch.observe(view);
  let wait = null;
  return {
    node,
    grow: (own, isEnd) => {
      if (own === rows && own > 0) return;
      // The last part was not full.
      parts.delete(Math.floor(Math.max(rows - 1, 0) / size));
      rows = own;
      node.hidden = rows === 0;
      view.style.height = rows < 16 ? `${(rows + 1) * HEIGHT + 18}px` : "";
      if (isEnd || body.childElementCount === 0) { clearTimeout(wait); wait = null; draw(); }
      else wait ??= setTimeout(() => { wait = null; draw(); }, 100);
    },
    stop: () => { watch.disconnect(); clearTimeout(wait); },
  };
}
