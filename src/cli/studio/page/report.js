// The report of a run: how it ended, its steps, what went wrong, what was saved.
import { el, visible, count } from "./dom.js";
import { prose } from "./failure.js";
import { exit, lasting, named, status } from "./runwords.js";

/** The steps of a report as a table. */
export function stepTable(steps) {
  // Columns that say nothing are left out.
  const columns = [
    ["items_in", "In"],
    ["items_out", "Out"],
    ["failed", "Failed"],
    ["unknown", "Unknown"],
    ["requests", "Requests"],
  ].filter(([key]) => !["failed", "unknown"].includes(key) || steps.some((own) => own[key] > 0));
  return el(
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
          ["Step", "State", ...columns.map(([, text]) => text), "Time"].map((text, at) =>
            el("th", { scope: "col", class: at > 1 ? "num" : null }, text),
          ),
        ),
      ),
      el(
        "tbody",
        {},
        steps.map((own) => {
          const [word, kind] = status(own.earlier ? "earlier" : own.status);
          return el(
            "tr",
            {},
            el("th", { scope: "row" }, el("bdi", {}, visible(named(own)))),
            el("td", {}, el("span", { class: `badge ${kind}` }, word)),
            columns.map(([key]) => el("td", { class: "num" }, (own[key] ?? 0).toLocaleString("en"))),
            el("td", { class: "num" }, lasting(own.elapsed_ms ?? 0)),
          );
        }),
      ),
    ),
  );
}

/** Errors in words, with what to do. */
export const errors = (all) =>
  all.length > 0 &&
  el(
    "div",
    { class: "failure block" },
    all
      .slice(0, 20)
      .map((error) =>
        el("p", { dir: "auto" }, prose(error.message), error.advice && el("span", { class: "small" }, prose(String(error.advice)))),
      ),
  );

/** The report at the end. `showItems` opens the items that need a person. */
export function reportView(report, showItems) {
  const [word, kind] = exit(report.exit_code);
  const sum = (key) => report.steps.reduce((all, own) => all + (own[key] ?? 0), 0);
  const saved = [...new Set(report.steps.flatMap((own) => own.saved ?? []))];
  const left = sum("failed") + sum("unknown");
  const results = report.steps.filter((own) => own.results);
  const causes = report.steps.filter((own) => own.error && !["stopped", "not_started"].includes(own.status));
  const same = causes.length === 1 && report.error?.message === causes[0].error.message;
  const all = [report.error, ...(same ? [] : causes.map((own) => own.error))].filter(Boolean);
  return el(
    "div",
    { class: "report" },
    el(
      "p",
      { class: "report-end" },
      el("span", { class: `badge ${kind}` }, word),
      " ",
      el(
        "span",
        { class: "small" },
        [
          `exit code ${report.exit_code}`,
          lasting(report.elapsed_ms),
          count(sum("requests"), "request"),
          count(sum("items_out"), "row"),
          report.resumed && "resumed",
        ]
          .filter(Boolean)
          .join(" · "),
      ),
    ),
    errors(all),
    stepTable(report.steps),
    results.map((own) =>
      el(
        "p",
        { class: "small" },
        `${named(own)}: ${Object.entries(own.results)
          .map(([name, n]) => `${n} ${name}`)
          .join(", ")}`,
      ),
    ),
    saved.length > 0 &&
      el(
        "div",
        {},
        el("h4", {}, "Saved"),
        el(
          "ul",
          { class: "paths" },
          saved.map((path) => el("li", {}, el("code", {}, visible(path)))),
        ),
      ),
    left > 0 &&
      showItems &&
      el(
        "div",
        { class: "bar" },
        el("button", { type: "button", onclick: showItems }, `Show the items that need a person (${left.toLocaleString("en")})`),
      ),
  );
}
