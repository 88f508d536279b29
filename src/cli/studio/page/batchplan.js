// The plan of a run: the requests step by step, as far as they are known, and the question before a real system is changed.
import { el, visible, count } from "./dom.js";
import { dialog } from "./dialog.js";
import { pretty } from "./json.js";
import { copier } from "./textview.js";
import { named } from "./runwords.js";

const isWrite = (step) => step.method === "mutate" || step.method === "delete";
const KIND = { query: "reads", mutate: "writes", delete: "deletes" };

const body = (request) => {
  if (request.body === undefined || request.body === null) return null;
  const text = typeof request.body === "string" ? request.body : JSON.stringify(request.body);
  return `\n${visible(/^\s*[[{]/.test(text) ? pretty(text) : text).slice(0, 20_000)}`;
};
const headers = (request) => (Array.isArray(request.headers) ? request.headers : Object.entries(request.headers ?? {}));

function known(step) {
  if (step.skipped) return "is skipped";
  if (step.done_rows !== undefined && step.done_rows !== null) return `is done: ${count(step.done_rows, "row")}`;
  if (step.local) return visible(step.local);
  const first = step.count > 0 ? count(step.count, "request") : step.depends ? "" : "no requests";
  return [
    first,
    step.paged && "and one for each further page",
    step.depends && visible(step.depends),
    step.goes_on_after && `goes on after ${step.goes_on_after}`,
  ]
    .filter(Boolean)
    .join("; ");
}

function stepNode(step) {
  const head = [
    el("span", { class: "plan-name" }, el("bdi", {}, visible(named(step)))),
    !step.local && el("span", { class: `badge ${isWrite(step) ? "warn" : ""}` }, KIND[step.method] ?? step.method),
    el("span", { class: "small" }, [step.local ? null : step.operation, step.connection].filter(Boolean).map(visible).join(" on ")),
  ];
  const what = el("p", { class: "small plan-known" }, known(step));
  const requests = step.requests ?? [];
  if (requests.length === 0) return el("li", { class: "plan-step" }, el("div", { class: "plan-head" }, head), what);
  const own = el("details", {}, el("summary", { class: "plan-head" }, head, what));
  own.addEventListener(
    "toggle",
    () => {
      if (!own.open || own.childElementCount > 1) return;
      own.append(
        ...requests.slice(0, 20).map((request) =>
          el(
            "pre",
            { class: "request", tabindex: 0 },
            el("b", {}, request.verb),
            " ",
            visible(request.url),
            "\n",
            headers(request).map(([name, value]) => `${name}: ${visible(value)}\n`),
            body(request),
          ),
        ),
        ...(step.count > Math.min(requests.length, 20)
          ? [el("p", { class: "small" }, `and ${count(step.count - Math.min(requests.length, 20), "more request")}`)]
          : []),
      );
    },
    { once: false },
  );
  return el("li", { class: "plan-step" }, own);
}

/** What a plan sends, in numbers. */
export function totals(plan) {
  const steps = plan.steps.filter((step) => !step.local && !step.skipped && (step.done_rows ?? null) === null);
  const sum = (own) => own.reduce((all, step) => all + (step.count ?? 0), 0);
  const reads = steps.filter((step) => !isWrite(step)),
    writes = steps.filter(isWrite);
  return {
    reads: sum(reads),
    writes: sum(writes),
    readSteps: reads.length,
    writeSteps: writes.length,
    connections: [...new Set(steps.map((step) => step.connection).filter(Boolean))],
    open: steps.some((step) => step.depends || step.paged),
  };
}

export function planView({ plan }, isSandbox) {
  const all = totals(plan);
  const resumed = (plan.jobs ?? []).filter((job) => job.resumes);
  return el(
    "section",
    { class: "plan", "aria-label": "Plan" },
    el(
      "div",
      { class: "bar plan-sum" },
      el("h3", {}, "Plan"),
      el("span", { class: "badge" }, `${count(all.reads, "read")}${all.open ? " or more" : ""}`),
      el(
        "span",
        { class: `badge ${all.writes > 0 || all.writeSteps > 0 ? "warn" : ""}` },
        `${count(all.writes, "write")}${all.writeSteps > 0 && all.open ? " or more" : ""}`,
      ),
    ),
    el(
      "p",
      { class: "small" },
      "Nothing was sent. ",
      isSandbox ? "This is the plan on the sandbox. " : "",
      "Requests that depend on rows are known during the run.",
    ),
    resumed.length > 0 &&
      el(
        "p",
        { class: "small" },
        `Resumes run ${resumed.map((job) => job.resumes).join(", ")}: ${count(resumed[0].steps_done, "step")} done.`,
      ),
    el("ol", { class: "plan-steps" }, plan.steps.map(stepNode)),
    el(
      "p",
      { class: "small plan-hash" },
      "Plan hash ",
      el("code", {}, plan.hash),
      copier(() => plan.hash),
    ),
  );
}

/** Asks before a run on real connections. True if it may be sent. */
export async function mayRun({ plan }) {
  const all = totals(plan);
  const to = all.connections.map(visible).join(", ") || "no system";
  const rows = plan.steps
    .filter((step) => !step.local && !step.skipped)
    .map((step) =>
      el(
        "tr",
        {},
        el("td", {}, el("bdi", {}, visible(named(step)))),
        el("td", {}, KIND[step.method] ?? step.method),
        el("td", {}, visible(step.connection ?? "")),
        el("td", {}, known(step)),
      ),
    );
  const answer = await dialog(
    `This sends to ${to}`,
    [
      el(
        "p",
        {},
        `${count(all.reads, "read")} in ${count(all.readSteps, "step")} and `,
        `${count(all.writes, "write")} in ${count(all.writeSteps, "step")} are known now.`,
        all.open ? " There are more: they depend on rows and pages." : "",
      ),
      el(
        "div",
        { class: "wide-table", tabindex: 0, role: "region", "aria-label": "Steps" },
        el(
          "table",
          { class: "plain asked" },
          el(
            "thead",
            {},
            el(
              "tr",
              {},
              ["Step", "", "Connection", "Requests"].map((text) =>
                el("th", { scope: "col" }, text || el("span", { class: "unseen" }, "What it does")),
              ),
            ),
          ),
          el("tbody", {}, rows),
        ),
      ),
      el("p", { class: "small" }, "Plan hash ", el("code", {}, plan.hash)),
    ],
    [
      ["Do not run", "", ""],
      [`Run on ${to}`, "run", "main"],
    ],
    "wide",
  );
  return answer === "run";
}
