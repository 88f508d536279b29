// Two runs side by side: duration, inputs, and the counts of each step with what has changed.
import { el, visible } from "./dom.js";
import { exit, lasting, moment, named, status } from "./runwords.js";

const COUNTS = [
  ["items_in", "In"],
  ["items_out", "Out"],
  ["failed", "Failed"],
  ["unknown", "Unknown"],
  ["requests", "Requests"],
  ["elapsed_ms", "Time"],
];
const written = (value) => (value === undefined ? "–" : JSON.stringify(value));

/** A number of both runs, and the change. */
function change(before, after, key) {
  const words = key === "elapsed_ms" ? (value) => lasting(value) : (value) => value.toLocaleString("en");
  if (before === undefined && after === undefined) return el("td", { class: "num" }, "–");
  const [a, b] = [before ?? 0, after ?? 0],
    more = b - a;
  const isBad = (key === "failed" || key === "unknown") && more > 0;
  const isSame = more === 0 || (key === "elapsed_ms" && Math.abs(more) < Math.max(a * 0.1, 20));
  return el(
    "td",
    { class: "num" },
    words(b),
    !isSame && el("span", { class: `delta ${isBad ? "bad" : ""}` }, `${more > 0 ? "+" : "−"}${words(Math.abs(more))}`),
  );
}

/** `pair` are two records, the older first. */
export function comparison([older, newer], back) {
  const steps = new Map();
  for (const [at, own] of [older, newer].entries())
    for (const step of own.step_records ?? []) steps.set(named(step), Object.assign(steps.get(named(step)) ?? [], { [at]: step }));
  const names = [...new Set([older, newer].flatMap((own) => [...Object.keys(own.inputs ?? {}), ...Object.keys(own.vars ?? {})]))];
  const value = (own, name) => written({ ...own.vars, ...own.inputs }[name]);
  const head = (own) =>
    el(
      "th",
      { scope: "col" },
      el("bdi", {}, visible(own.name)),
      own.job !== "main" && ` – ${visible(own.job)}`,
      el("span", { class: "small" }, moment(own.started)),
    );
  const badge = ([word, kind]) => el("span", { class: `badge ${kind}` }, word);
  const row = (title, a, b, isSame) =>
    el("tr", { class: isSame ? null : "changed" }, el("th", { scope: "row" }, visible(title)), el("td", {}, a), el("td", {}, b));
  const state = (step) => (step ? badge(status(step.status)) : el("span", { class: "small" }, "not in this run"));
  return el(
    "article",
    { class: "record", "aria-label": "Comparison of two runs" },
    el("div", { class: "bar" }, el("button", { type: "button", class: "quiet", onclick: back }, "← All runs")),
    el("h2", {}, "Two runs"),
    el(
      "div",
      { class: "wide-table", tabindex: 0, role: "region", "aria-label": "Runs" },
      el(
        "table",
        { class: "plain compared" },
        el("thead", {}, el("tr", {}, el("td", {}), head(older), head(newer))),
        el(
          "tbody",
          {},
          row("State", badge(status(older.status)), badge(status(newer.status)), older.status === newer.status),
          row(
            "End",
            ...[older, newer].map((own) =>
              own.exit_code === undefined || own.exit_code === null ? "–" : `${own.exit_code}: ${exit(own.exit_code)[0]}`,
            ),
            older.exit_code === newer.exit_code,
          ),
          row("Duration", ...[older, newer].map((own) => (own.elapsed_ms === undefined ? "–" : lasting(own.elapsed_ms))), true),
          names.map((name) =>
            row(
              name,
              el("code", {}, visible(value(older, name))),
              el("code", {}, visible(value(newer, name))),
              value(older, name) === value(newer, name),
            ),
          ),
        ),
      ),
    ),
    el("h3", {}, "Steps of the newer run, and the change"),
    el(
      "div",
      { class: "wide-table", tabindex: 0, role: "region", "aria-label": "Steps" },
      el(
        "table",
        { class: "plain steps" },
        el(
          "thead",
          {},
          el(
            "tr",
            {},
            el("th", { scope: "col" }, "Step"),
            el("th", { scope: "col" }, "Before"),
            el("th", { scope: "col" }, "Now"),
            COUNTS.map(([, text]) => el("th", { scope: "col", class: "num" }, text)),
          ),
        ),
        el(
          "tbody",
          {},
          [...steps].map(([name, [a, b]]) =>
            el(
              "tr",
              {},
              el("th", { scope: "row" }, el("bdi", {}, visible(name))),
              el("td", {}, state(a)),
              el("td", {}, state(b)),
              COUNTS.map(([key]) => change(a?.[key], b?.[key], key)),
            ),
          ),
        ),
      ),
    ),
  );
}
