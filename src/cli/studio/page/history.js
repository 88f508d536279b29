// The history of runs: the list, one run, and two runs side by side.
import { el, fill, visible } from "./dom.js";
import { get } from "./api.js";
import { failure } from "./failure.js";
import { recordView } from "./record.js";
import { comparison } from "./compare.js";
import { moment, status } from "./runwords.js";

const SHOWN = 100;
const id = (run) => [run.state, run.run, run.name, run.job].join("\n");
/** The record of one run. */
async function record(run) {
  const { records } = await get(
    `history/${encodeURIComponent(run.run)}?${new URLSearchParams({ state: run.state, batch: run.name, job: run.job })}`,
  );
  return records.find((own) => own.job === run.job && own.name === run.name) ?? records[0];
}

export function show(panel, { openBatch, showItems }) {
  const body = el("div", { class: "history" }, el("p", { class: "small" }, "Loading …"));
  let runs = [],
    most = SHOWN,
    chosen = [],
    isOver = false;
  const batch = el("select", { "aria-label": "Batch", onchange: () => list() });
  const where = el(
    "select",
    { "aria-label": "Systems", onchange: () => list() },
    [
      ["", "Real and sandbox"],
      ["real", "Real connections"],
      ["sandbox", "Sandbox"],
    ].map(([value, text]) => el("option", { value }, text)),
  );
  const compare = el("button", { type: "button", onclick: () => side() }, "Compare");
  const hint = el("span", { class: "small", role: "status" });
  fill(panel, body);

  async function load() {
    try {
      ({ runs } = await get("history"));
      if (isOver) return;
      runs.sort((a, b) => String(b.started).localeCompare(String(a.started)));
      fill(
        batch,
        el("option", { value: "" }, "All batches"),
        [...new Set(runs.map((run) => run.name))].sort().map((name) => el("option", { value: name }, visible(name))),
      );
      list();
    } catch (fault) {
      fill(body, failure(fault, "The runs cannot be listed."));
    }
  }
  async function open(work) {
    fill(body, el("p", { class: "small" }, "Loading …"));
    const back = () => {
      list();
      batch.focus();
    };
    try {
      const node = await work(back);
      if (isOver) return;
      fill(body, node);
      body.querySelector("button")?.focus();
    } catch (fault) {
      fill(
        body,
        el("div", { class: "bar" }, el("button", { type: "button", class: "quiet", onclick: back }, "← All runs")),
        failure(fault, "The run cannot be shown."),
      );
    }
  }
  const one = (run) => open(async (back) => recordView(await record(run), { back, openBatch, showItems }));
  const side = () =>
    open(async (back) => {
      const pair = [...chosen].sort((a, b) => String(a.started).localeCompare(String(b.started)));
      return comparison(await Promise.all(pair.map(record)), back);
    });
  function tick() {
    compare.disabled = chosen.length !== 2;
    hint.textContent =
      chosen.length === 2 ? "" : chosen.length === 1 ? "Choose one more run to compare." : "Choose two runs to compare them.";
  }
  function list() {
    if (runs.length === 0) {
      return fill(
        body,
        el(
          "div",
          { class: "empty" },
          el("h3", {}, "No runs yet"),
          el("p", {}, "Each run of a batch is kept here, with its steps, times and files."),
        ),
      );
    }
    const shown = runs.filter(
      (run) => (!batch.value || run.name === batch.value) && (!where.value || run.sandbox === (where.value === "sandbox")),
    );
    const head = [
      ["", "Compare"],
      ["Batch"],
      ["Started"],
      ["State"],
      ["Steps", "num"],
      ["Items", "num"],
      ["Written", "num"],
      ["Failed", "num"],
      ["Unknown", "num"],
      ["Requests", "num"],
    ];
    const number = (value, kind) => el("td", { class: `num ${value > 0 && kind ? kind : ""}` }, (value ?? 0).toLocaleString("en"));
    fill(
      body,
      el("div", { class: "bar" }, batch, where, compare, hint),
      el(
        "div",
        { class: "wide-table", tabindex: 0, role: "region", "aria-label": "Runs" },
        el(
          "table",
          { class: "plain runs" },
          el(
            "thead",
            {},
            el(
              "tr",
              {},
              head.map(([text, more]) =>
                el("th", { scope: "col", class: more === "num" ? "num" : null }, text || el("span", { class: "unseen" }, more)),
              ),
            ),
          ),
          el(
            "tbody",
            {},
            shown.slice(0, most).map((run) => {
              const [word, kind] = status(run.status);
              const box = el("input", {
                type: "checkbox",
                "aria-label": `Compare ${run.name} of ${moment(run.started)}`,
                checked: chosen.some((own) => id(own) === id(run)),
                onchange: () => {
                  chosen = box.checked ? [...chosen, run].slice(-2) : chosen.filter((own) => id(own) !== id(run));
                  for (const [at, other] of [...body.querySelectorAll("tbody input")].entries())
                    other.checked = chosen.some((own) => id(own) === id(shown[at]));
                  tick();
                },
              });
              return el(
                "tr",
                {},
                el("td", {}, box),
                el(
                  "th",
                  { scope: "row" },
                  el(
                    "button",
                    { type: "button", class: "link", onclick: () => one(run) },
                    el("bdi", {}, visible(run.name)),
                    run.job !== "main" && ` – ${visible(run.job)}`,
                  ),
                  run.sandbox && el("span", { class: "badge sandbox" }, "sandbox"),
                ),
                el("td", {}, moment(run.started)),
                el("td", {}, el("span", { class: `badge ${kind}` }, word)),
                el("td", { class: "num" }, `${run.steps_done} of ${run.steps}`),
                number(run.items_out),
                number(run.written),
                number(run.failed, "bad"),
                number(run.unknown, "warn"),
                number(run.requests),
              );
            }),
          ),
        ),
      ),
      shown.length > most &&
        el(
          "button",
          {
            type: "button",
            onclick: () => {
              most += 200;
              list();
            },
          },
          `Show more of ${shown.length.toLocaleString("en")}`,
        ),
    );
    tick();
  }
  load();
  return () => {
    isOver = true;
  };
}
