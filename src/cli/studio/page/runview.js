// A run of a batch while it runs, and its report at the end.
import { el, fill, tell, visible, count } from "./dom.js";
import { post } from "./api.js";
import { prose } from "./failure.js";
import { timeline } from "./timeline.js";
import { counts, exit, lasting, named, sentence, status } from "./runwords.js";

const LINES = 400;
/** The step of the file: an upsert has parts, such as `ID.found`. */
const whole = (step) => step.split(/\.|__/)[0];
const rank = ["failed", "outage", "stopped", "partial", "running", "not_started", "waiting", "done", "earlier", "skipped"];

/** The steps of a report as a table. */
export function stepTable(steps) {
  const number = (value) => el("td", { class: "num" }, (value ?? 0).toLocaleString("en"));
  return el("div", { class: "wide-table", tabindex: 0, role: "region", "aria-label": "Steps" }, el("table", { class: "plain steps" },
    el("thead", {}, el("tr", {}, ["Step", "State", "In", "Out", "Failed", "Unknown", "Requests", "Time"].map((text, at) => el("th", { scope: "col", class: at > 1 ? "num" : null }, text)))),
    el("tbody", {}, steps.map((own) => {
      const [word, kind] = status(own.earlier ? "earlier" : own.status);
      return el("tr", {}, el("th", { scope: "row" }, el("bdi", {}, visible(named(own)))), el("td", {}, el("span", { class: `badge ${kind}` }, word)),
        number(own.items_in), number(own.items_out), number(own.failed), number(own.unknown), number(own.requests), el("td", { class: "num" }, lasting(own.elapsed_ms ?? 0)));
    }))));
}

const errors = (error) => error && el("div", { class: "failure block" }, el("p", { dir: "auto" }, prose(error.message)), error.advice && el("p", { class: "advice", dir: "auto" }, prose(String(error.advice))));

/** The report at the end. `showItems` opens the items that need a person. */
export function reportView(report, showItems) {
  const [word, kind] = exit(report.exit_code);
  const sum = (key) => report.steps.reduce((all, own) => all + (own[key] ?? 0), 0);
  const saved = [...new Set(report.steps.flatMap((own) => own.saved ?? []))];
  const left = sum("failed") + sum("unknown");
  const results = report.steps.filter((own) => own.results);
  const causes = report.steps.filter((own) => own.error && own.error.message !== report.error?.message);
  return el("div", { class: "report" },
    el("p", { class: "report-end" }, el("span", { class: `badge ${kind}` }, word), " ", el("span", { class: "small" },
      `exit code ${report.exit_code} · ${lasting(report.elapsed_ms)} · ${count(sum("requests"), "request")} · ${count(sum("items_out"), "row")}${report.resumed ? " · resumed" : ""}`)),
    errors(report.error), causes.map((own) => errors({ ...own.error, message: `${named(own)}: ${own.error.message}` })),
    stepTable(report.steps),
    results.map((own) => el("p", { class: "small" }, `${named(own)}: ${Object.entries(own.results).map(([name, n]) => `${n} ${name}`).join(", ")}`)),
    saved.length > 0 && el("div", {}, el("h4", {}, "Saved"), el("ul", { class: "paths" }, saved.map((path) => el("li", {}, el("code", {}, visible(path)))))),
    left > 0 && showItems && el("div", { class: "bar" }, el("button", { type: "button", onclick: showItems }, `Show the items that need a person (${left.toLocaleString("en")})`)));
}

/** Follows a run. `graph` shows the states; `ended(report)` is called at the end. Returns a function that stops following. */
export function runView(pane, run, { graph, showItems, ended }) {
  const begun = performance.now();
  const rows = new Map();
  let zero = null, timer = null, omitted = 0, isOver = false, failures = 0;
  const picture = timeline();
  const told = el("p", { class: "run-told" }, el("span", { class: "badge on" }, "running"));
  const cancel = el("button", { type: "button", onclick: async () => {
    cancel.disabled = true;
    cancel.textContent = "Cancelling …";
    await post(`batches/runs/${run}/cancel`, {}).catch((fault) => tell(fault.message));
  } }, "Cancel");
  const log = el("ol", { class: "log", tabindex: 0, "aria-label": "Log" });
  const end = el("div", {});
  fill(pane, el("section", { class: "run", "aria-label": "Run" }, el("div", { class: "bar run-head" }, el("h3", {}, "Run"), told, cancel), end, picture.node,
    el("details", { class: "run-log", open: true }, el("summary", {}, "Log"), log)));

  const now = () => performance.now() - begun;
  const timeOf = (event) => {
    const at = typeof event.at === "number" ? event.at : Date.parse(event.at);
    if (!Number.isFinite(at)) return now();
    zero ??= typeof event.at === "number" ? 0 : at;
    return at - zero;
  };
  const rowOf = (event) => {
    const key = named(event);
    if (!rows.has(key)) rows.set(key, { name: key, step: event.step, status: "waiting", text: "", spans: [], waits: [], isOpen: false });
    return rows.get(key);
  };
  function draw() {
    timer = null;
    const all = [...rows.values()];
    const at = Math.max(isOver ? 0 : now(), ...all.flatMap((row) => row.spans.flat()));
    for (const row of all) if (row.isOpen) row.spans.at(-1)[1] = at;
    if (all.length > 0) picture.draw(all.filter((row) => row.spans.length > 0), 0, Math.max(at, 1));
    const states = new Map();
    for (const row of all) {
      const id = whole(row.step), before = states.get(id);
      if (!before || rank.indexOf(row.status) <= rank.indexOf(before.status)) states.set(id, { status: row.status, text: row.text || before?.text });
    }
    graph.mark(states);
    if (!isOver && !timer) timer = setTimeout(draw, 500);
  }
  const drawSoon = () => { if (!timer || isOver) { clearTimeout(timer); timer = setTimeout(draw, 60); } };
  function write(event, at) {
    const said = sentence(event);
    if (!said || !said[0]) return;
    if (event.kind === "item_failed" && (failures += 1) > 50) {
      if (failures === 51) log.append(el("li", { class: "warn" }, "More items failed: they are not listed here."));
      return;
    }
    const isLow = log.scrollTop + log.clientHeight >= log.scrollHeight - 40;
    log.append(el("li", { class: said[1] }, el("time", {}, `${(at / 1000).toFixed(1)} s`), el("span", { dir: "auto" }, visible(said[0]).slice(0, 1000))));
    while (log.childElementCount > LINES) { log.firstChild.remove(); omitted += 1; }
    if (omitted > 0) log.setAttribute("aria-label", `Log, without its first ${omitted} lines`);
    if (isLow) log.scrollTop = log.scrollHeight;
  }
  function take(event) {
    const at = timeOf(event);
    write(event, at);
    if (!event.step) return;
    const row = rowOf(event), own = event.counts ?? event;
    if (row.wait && event.kind !== "outage") { row.wait[1] = Math.min(row.wait[1], at); row.wait = null; }
    if (event.kind === "step_begun") { row.status = "running"; row.isOpen = true; row.spans.push([at, at]); }
    if (event.kind === "progress") { row.status = "running"; row.text = counts(own) + (event.total ? ` of ${event.total.toLocaleString("en")}` : ""); }
    if (event.kind === "loading") row.text = `${(event.rows ?? 0).toLocaleString("en")} of ${count(event.total ?? 0, "row")} in ${event.table}`;
    if (event.kind === "outage") {
      if (row.wait) row.wait[1] = at;
      row.status = "outage";
      row.wait = [at, at + event.next_ms];
      row.waits.push(row.wait);
    }
    if (event.kind !== "step_ended") return;
    row.status = event.earlier ? "earlier" : event.status;
    row.text = ["skipped", "not_started"].includes(event.status) ? "" : counts(own);
    if (row.isOpen) row.spans.at(-1)[1] = at;
    row.isOpen = false;
    tell(`${row.name}: ${status(row.status)[0]}${row.text ? `, ${row.text}` : ""}`);
  }
  function finish(state) {
    isOver = true;
    cancel.remove();
    for (const row of rows.values()) {
      if (row.isOpen) { row.isOpen = false; row.status = "stopped"; }
      const own = state.report?.steps.find((step) => named(step) === row.name);
      if (own) { row.status = own.earlier ? "earlier" : own.status; row.text = ["skipped", "not_started"].includes(own.status) ? "" : counts(own); }
    }
    for (const own of state.report?.steps ?? []) if (!rows.has(named(own))) Object.assign(rowOf(own), { status: own.earlier ? "earlier" : own.status });
    draw();
    fill(told);
    if (state.report) {
      fill(end, reportView(state.report, showItems));
      tell(`The run has ended. ${exit(state.report.exit_code)[0]}.`);
    } else if (state.error) {
      fill(end, errors(state.error));
      tell(`The run has ended. ${state.error.message}`);
    }
    pane.querySelector(".run-log").open = false;
    ended(state.report);
  }
  const source = new EventSource(`/api/v1/batches/runs/${run}/events`);
  source.onmessage = (message) => {
    const state = JSON.parse(message.data);
    (state.events ?? []).forEach(take);
    drawSoon();
    if (state.is_ended) { source.close(); finish(state); }
  };
  return () => { source.close(); clearTimeout(timer); isOver = true; };
}
