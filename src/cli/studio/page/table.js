// Rows in a table that draws only what is visible.
import { el, fill, visible } from "./dom.js";
import { get } from "./api.js";

const HEIGHT = 28;
const WINDOW = 100;
/** Browsers do not show boxes of more pixels than this: beyond it, a step of the scroll bar is several rows. */
const TALLEST = 8_000_000;

const shownValue = (value) => value === null || value === undefined ? "" : typeof value === "object" ? (value.name ?? value.identifier ?? JSON.stringify(value)) : value;

export function table(run) {
  const parts = new Map();
  let rows = 0, columns = [], chosen = null, drawing = 0;
  const head = el("tr", {});
  const body = el("tbody", {});
  const grid = el("table", { role: "table" }, el("thead", {}, head), body);
  const space = el("div", { class: "space" }, grid);
  const view = el("div", { class: "rows", tabindex: 0, role: "region", "aria-label": "Rows" }, space);
  const picker = el("details", { class: "columns" }, el("summary", {}, "Columns"));
  const raw = el("dialog", { class: "raw", "aria-label": "Row as JSON" });
  const part = async (number) => {
    if (!parts.has(number)) parts.set(number, get(`runs/${run}/rows?first=${number * WINDOW}&count=${WINDOW}`).catch(() => { parts.delete(number); return []; }));
    if (parts.size > 40) parts.delete(parts.keys().next().value);
    return parts.get(number);
  };
  const draw = async () => {
    const turn = (drawing += 1);
    const whole = Math.min(rows * HEIGHT, TALLEST);
    space.style.height = `${whole + HEIGHT}px`;
    const visibleRows = Math.ceil(view.clientHeight / HEIGHT) + 2;
    const scrolled = whole <= view.clientHeight ? 0 : view.scrollTop / Math.max(whole + HEIGHT - view.clientHeight, 1);
    const first = Math.max(0, Math.min(rows - visibleRows + 2, Math.round(scrolled * Math.max(rows - visibleRows + 2, 0))));
    const found = [];
    for (let at = first; at < Math.min(first + visibleRows, rows); at += 1) found.push([at, (await part(Math.floor(at / WINDOW)))[at % WINDOW]]);
    if (turn !== drawing) return;
    const names = new Set(columns);
    for (const [, row] of found) if (row && typeof row === "object") Object.keys(row).forEach((name) => names.add(name));
    if (names.size !== columns.length) { columns = [...names]; choices(); }
    const shown = columns.filter((name) => chosen === null || chosen.has(name)).slice(0, 60);
    fill(head, el("th", { scope: "col" }, "#"), shown.map((name) => el("th", { scope: "col" }, visible(name))));
    fill(body, found.map(([at, row]) => el("tr", {}, el("th", { scope: "row" }, el("button", { type: "button", class: "number", "aria-label": `Row ${at + 1} as JSON`, onclick: () => show(row) }, String(at + 1))),
      shown.map((name) => el("td", {}, visible(shownValue(row?.[name])).slice(0, 200))))));
    grid.style.transform = `translateY(${view.scrollTop}px)`;
  };
  const show = (row) => {
    fill(raw, el("form", { method: "dialog" }, el("button", {}, "Close")), el("pre", { tabindex: 0 }, visible(JSON.stringify(row, null, 2))));
    raw.showModal();
  };
  const choices = () => fill(picker, el("summary", {}, `Columns (${columns.length})`), columns.map((name) => el("label", {}, el("input", { type: "checkbox", checked: chosen === null || chosen.has(name), onchange: (event) => {
    chosen ??= new Set(columns);
    event.target.checked ? chosen.add(name) : chosen.delete(name);
    draw();
  } }), " ", visible(name))));
  view.addEventListener("scroll", () => requestAnimationFrame(draw));
  return {
    node: el("div", { class: "table" }, picker, view, raw),
    grow: (count) => {
      if (count === rows && count > 0) return;
      parts.delete(Math.floor(Math.max(rows - 1, 0) / WINDOW));
      rows = count;
      draw();
    },
  };
}
