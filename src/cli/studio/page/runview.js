// A run of a batch while it runs, and its report at the end.
import { el, fill, tell, visible, count } from "./dom.js";
import { post } from "./api.js";
import { errors, reportView } from "./report.js";
import { timeline } from "./timeline.js";
import { counts, exit, named, sentence, status } from "./runwords.js";

const LINES = 400;
/** The step of the file: an upsert has parts, such as `ID.found`. */
const whole = (step) => step.split(/\.|__/)[0];
const rank = ["failed", "outage", "stopped", "partial", "running", "not_started", "waiting", "done", "earlier", "skipped"];

/** The states of the steps of the file: the worst of all jobs and parts, and the counts of all jobs. */
function stepStates(rows) {
  const groups = new Map();
  for (const row of rows) groups.set(whole(row.step), [...(groups.get(whole(row.step)) ?? []), row]);
  return new Map(
    [...groups].map(([id, own]) => {
      const [worst] = [...own].sort((a, b) => rank.indexOf(a.status) - rank.indexOf(b.status));
      const last = own.some((row) => row.step === id) ? own.filter((row) => row.step === id) : own.slice(-1);
      const sum = (key) => last.reduce((total, row) => total + (row.counts?.[key] ?? 0), 0);
      const isCounted = last.some((row) => row.text);
      return [
        id,
        {
          status: worst.status,
          text:
            last.length === 1
              ? last[0].text
              : isCounted
                ? counts({ items_in: sum("items_in"), items_out: sum("items_out"), failed: sum("failed"), unknown: sum("unknown") })
                : "",
        },
      ];
    }),
  );
}

/** Follows a run. `graph` shows the states; `ended()` is called at the end. Returns a function that stops following. */
export function runView(pane, run, { graph, showItems, ended }) {
  const begun = performance.now();
  const rows = new Map();
  let zero = null,
    timer = null,
    omitted = 0,
    isOver = false,
    failures = 0;
  const picture = timeline();
  const told = el("p", { class: "run-told" }, el("span", { class: "badge on" }, "running"));
  const cancel = el(
    "button",
    {
      type: "button",
      onclick: async () => {
        cancel.disabled = true;
        cancel.textContent = "Cancelling …";
        await post(`batches/runs/${run}/cancel`, {}).catch((fault) => tell(fault.message));
      },
    },
    "Cancel",
  );
  const log = el("ol", { class: "log", tabindex: 0, "aria-label": "Log" });
  const end = el("div", {});
  fill(
    pane,
    el(
      "section",
      { class: "run", "aria-label": "Run" },
      el("div", { class: "bar run-head" }, el("h3", {}, "Run"), told, cancel),
      end,
      picture.node,
      el("details", { class: "run-log", open: true }, el("summary", {}, "Log"), log),
    ),
  );

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
    if (all.length > 0)
      picture.draw(
        all.filter((row) => row.spans.length > 0),
        0,
        Math.max(at, 1),
      );
    graph.mark(stepStates(all));
    if (!isOver && !timer) timer = setTimeout(draw, 500);
  }
  const drawSoon = () => {
    if (!timer || isOver) {
      clearTimeout(timer);
      timer = setTimeout(draw, 60);
    }
  };
  function write(event, at) {
    const said = sentence(event);
    if (!said || !said[0]) return;
    if (event.kind === "item_failed" && (failures += 1) > 50) {
      if (failures === 51) log.append(el("li", { class: "warn" }, "More items failed: they are not listed here."));
      return;
    }
    const isLow = log.scrollTop + log.clientHeight >= log.scrollHeight - 40;
    log.append(
      el(
        "li",
        { class: said[1] },
        el("time", {}, `${(at / 1000).toFixed(1)} s`),
        el("span", { dir: "auto" }, visible(said[0]).slice(0, 1000)),
      ),
    );
    while (log.childElementCount > LINES) {
      log.firstChild.remove();
      omitted += 1;
    }
    if (omitted > 0) log.setAttribute("aria-label", `Log, without its first ${omitted} lines`);
    if (isLow) log.scrollTop = log.scrollHeight;
  }
  function take(event) {
    const at = timeOf(event);
    write(event, at);
    if (!event.step) return;
    const row = rowOf(event),
      own = event.counts ?? event;
    if (row.wait && event.kind !== "outage") {
      row.wait[1] = Math.min(row.wait[1], at);
      row.wait = null;
    }
    if (event.kind === "step_begun") {
      row.status = "running";
      row.isOpen = true;
      row.spans.push([at, at]);
    }
    if (event.kind === "progress") {
      row.status = "running";
      row.counts = own;
      row.text = counts(own) + (event.total ? ` of ${event.total.toLocaleString("en")}` : "");
    }
    if (event.kind === "loading")
      row.text = `${(event.rows ?? 0).toLocaleString("en")} of ${count(event.total ?? 0, "row")} in ${event.table}`;
    if (event.kind === "outage") {
      if (row.wait) row.wait[1] = at;
      row.status = "outage";
      row.wait = [at, at + event.next_ms];
      row.waits.push(row.wait);
    }
    if (event.kind !== "step_ended") return;
    row.status = event.earlier ? "earlier" : event.status;
    row.counts = own;
    row.text = ["skipped", "not_started"].includes(event.status) ? "" : counts(own);
    if (row.isOpen) row.spans.at(-1)[1] = at;
    row.isOpen = false;
    tell(`${row.name}: ${status(row.status)[0]}${row.text ? `, ${row.text}` : ""}`);
  }
  function finish(state) {
    isOver = true;
    cancel.remove();
    for (const row of rows.values()) {
      if (row.isOpen) {
        row.isOpen = false;
        row.status = "stopped";
      }
      const own = state.report?.steps.find((step) => named(step) === row.name);
      if (own) {
        row.status = own.earlier ? "earlier" : own.status;
        row.counts = own;
        row.text = ["skipped", "not_started"].includes(own.status) ? "" : counts(own);
      }
    }
    for (const own of state.report?.steps ?? [])
      if (!rows.has(named(own))) Object.assign(rowOf(own), { status: own.earlier ? "earlier" : own.status });
    draw();
    fill(told);
    if (state.report) {
      fill(end, reportView(state.report, showItems));
      tell(`The run has ended. ${exit(state.report.exit_code)[0]}.`);
    } else if (state.error) {
      fill(end, errors([state.error]));
      tell(`The run has ended. ${state.error.message}`);
    }
    pane.querySelector(".run-log").open = false;
    ended();
  }
  let opened = 0;
  const source = new EventSource(`/api/v1/batches/runs/${run}/events`);
  // The events come from the beginning again after an interruption.
  source.onopen = () => {
    if ((opened += 1) === 1) return;
    rows.clear();
    fill(log);
    failures = omitted = 0;
  };
  source.onerror = () => {
    if (source.readyState !== EventSource.CLOSED || isOver) return;
    isOver = true;
    cancel.remove();
    fill(told, el("span", { class: "badge" }, "not followed any more"));
  };
  source.onmessage = (message) => {
    const state = JSON.parse(message.data);
    (state.events ?? []).forEach(take);
    drawSoon();
    if (state.is_ended) {
      source.close();
      finish(state);
    }
  };
  return () => {
    source.close();
    clearTimeout(timer);
    isOver = true;
  };
}
