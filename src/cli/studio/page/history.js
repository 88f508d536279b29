// The history of runs: the list, one run, and two runs side by side.
import { el, fill, visible } from "./dom.js";
import { get } from "./api.js";
import { failure, prose } from "./failure.js";
import { size } from "./textview.js";
import { timeline } from "./timeline.js";
import { stepTable } from "./runview.js";
import { comparison } from "./compare.js";
import { counts, exit, lasting, moment, named, status } from "./runwords.js";

const SHOWN = 100;
const id = (run) => [run.state, run.run, run.name, run.job].join("\n");
/** The record of one run. */
export async function record(run) {
  const { records } = await get(`history/${encodeURIComponent(run.run)}?${new URLSearchParams({ state: run.state, batch: run.name, job: run.job })}`);
  return records.find((own) => own.job === run.job && own.name === run.name) ?? records[0];
}

/** Work and waits of the steps on one clock; the time between two processes of a resumed run is left out. */
function onOneClock(own) {
  const stretches = (own.parts ?? []).map((part) => [Date.parse(part.began), Date.parse(part.ended ?? part.began)]).filter(([from]) => Number.isFinite(from));
  const clock = (text) => {
    const at = Date.parse(text);
    let before = 0;
    for (const [from, to] of stretches) {
      if (at <= to || to === stretches.at(-1)[1]) return before + Math.max(at - from, 0);
      before += to - from;
    }
    return at;
  };
  const stretch = (pair) => { const [from, to] = Array.isArray(pair) ? pair : [pair.from ?? pair.began, pair.to ?? pair.ended]; return [clock(from), clock(to ?? from)]; };
  return (own.step_records ?? []).map((step) => ({ name: named(step), status: step.earlier ? "earlier" : step.status ?? "waiting", text: counts(step), spans: (step.spans ?? []).map(stretch), waits: (step.waits ?? []).map(stretch) }));
}

const errorBlock = (error) => error && el("div", { class: "failure block" }, el("p", { dir: "auto" }, prose(error.message)), error.advice && el("p", { class: "advice", dir: "auto" }, prose(String(error.advice))));
const noteText = (note) => (typeof note === "string" ? note : note.message ?? JSON.stringify(note));

function recordView(own, { back, openBatch, showItems }) {
  const [word, kind] = status(own.status);
  const picture = timeline();
  const rows = onOneClock(own).filter((row) => row.spans.length > 0);
  if (rows.length > 0) picture.draw(rows, 0);
  const inputs = Object.entries(own.inputs ?? {}), vars = Object.entries(own.vars ?? {});
  const left = own.left ?? [], settled = own.settled ?? [], notes = own.notes ?? [], files = own.files ?? [];
  const saved = [...new Set((own.step_records ?? []).flatMap((step) => step.saved ?? []))];
  const list = (title, entries) => entries.length > 0 && el("details", {}, el("summary", {}, `${title} (${entries.length})`), el("ul", { class: "paths" }, entries.slice(0, 500)));
  return el("article", { class: "record", "aria-label": `Run ${own.run}` },
    el("div", { class: "bar" }, el("button", { type: "button", class: "quiet", onclick: back }, "← All runs")),
    el("div", { class: "record-head" }, el("h2", {}, visible(own.name), own.job !== "main" && ` – ${visible(own.job)}`), el("span", { class: `badge ${kind}` }, word),
      own.exit_code !== undefined && own.exit_code !== null && el("span", { class: `badge ${exit(own.exit_code)[1]}` }, `exit code ${own.exit_code}: ${exit(own.exit_code)[0]}`)),
    el("p", { class: "small" }, [`run ${own.run}`, moment(own.started), own.elapsed_ms !== undefined && lasting(own.elapsed_ms), (own.parts?.length ?? 1) > 1 && `${own.parts.length} starts`, own.host && `on ${own.host}`].filter(Boolean).map(visible).join(" · "), " ",
      own.file && el("button", { type: "button", class: "link", onclick: () => openBatch(own.file) }, visible(own.file))),
    errorBlock(own.error),
    (inputs.length > 0 || vars.length > 0) && el("dl", { class: "facts" }, [...inputs, ...vars].flatMap(([name, value]) => [el("dt", {}, visible(name)), el("dd", {}, el("code", {}, visible(JSON.stringify(value)).slice(0, 500)))])),
    rows.length > 0 && [el("h3", {}, "Over time"), picture.node], el("h3", {}, "Steps"), stepTable(own.step_records ?? []),
    left.length > 0 && el("div", { class: "bar" }, el("button", { type: "button", onclick: showItems }, `Show the items that need a person (${left.length.toLocaleString("en")})`)),
    list("Notes", notes.map((note) => el("li", { dir: "auto" }, visible(noteText(note))))),
    list("Saved", saved.map((path) => el("li", {}, el("code", {}, visible(path))))),
    list("Settled items", settled.map((item) => el("li", { dir: "auto" }, `${visible(item.step ?? "")} item ${item.index ?? ""}: ${visible(item.note ?? "no note")}`))),
    list("Files of the run", files.map((file) => el("li", {}, el("code", {}, visible(file.path)), ` ${size(file.bytes)}`))));
}

export function show(panel, { openBatch, showItems }) {
  const body = el("div", { class: "history" }, el("p", { class: "small" }, "Loading …"));
  let runs = [], most = SHOWN, chosen = [], isOver = false;
  const batch = el("select", { "aria-label": "Batch", onchange: () => list() });
  const where = el("select", { "aria-label": "Systems", onchange: () => list() }, [["", "Real and sandbox"], ["real", "Real connections"], ["sandbox", "Sandbox"]].map(([value, text]) => el("option", { value }, text)));
  const compare = el("button", { type: "button", onclick: () => side() }, "Compare");
  const hint = el("span", { class: "small", role: "status" });
  fill(panel, body);

  async function load() {
    try {
      ({ runs } = await get("history"));
      if (isOver) return;
      runs.sort((a, b) => String(b.started).localeCompare(String(a.started)));
      fill(batch, el("option", { value: "" }, "All batches"), [...new Set(runs.map((run) => run.name))].sort().map((name) => el("option", { value: name }, visible(name))));
      list();
    } catch (fault) {
      fill(body, failure(fault, "The runs cannot be listed."));
    }
  }
  async function open(work) {
    fill(body, el("p", { class: "small" }, "Loading …"));
    const back = () => { list(); batch.focus(); };
    try {
      const node = await work(back);
      if (isOver) return;
      fill(body, node);
      body.querySelector("button")?.focus();
    } catch (fault) {
      fill(body, el("div", { class: "bar" }, el("button", { type: "button", class: "quiet", onclick: back }, "← All runs")), failure(fault, "The run cannot be shown."));
    }
  }
  const one = (run) => open(async (back) => recordView(await record(run), { back, openBatch, showItems }));
  const side = () => open(async (back) => {
    const pair = [...chosen].sort((a, b) => String(a.started).localeCompare(String(b.started)));
    return comparison(await Promise.all(pair.map(record)), back);
  });
  function tick() {
    compare.disabled = chosen.length !== 2;
    hint.textContent = chosen.length === 2 ? "" : chosen.length === 1 ? "Choose one more run to compare." : "Choose two runs to compare them.";
  }
  function list() {
    if (runs.length === 0) {
      return fill(body, el("div", { class: "empty" }, el("h3", {}, "No runs yet"), el("p", {}, "Each run of a batch is kept here, with its steps, times and files.")));
    }
    const shown = runs.filter((run) => (!batch.value || run.name === batch.value) && (!where.value || run.sandbox === (where.value === "sandbox")));
    const head = [["", "Compare"], ["Batch"], ["Started"], ["State"], ["Steps", "num"], ["Items", "num"], ["Written", "num"], ["Failed", "num"], ["Unknown", "num"], ["Requests", "num"]];
    const number = (value, kind) => el("td", { class: `num ${value > 0 && kind ? kind : ""}` }, (value ?? 0).toLocaleString("en"));
    fill(body, el("div", { class: "bar" }, batch, where, compare, hint),
      el("div", { class: "wide-table", tabindex: 0, role: "region", "aria-label": "Runs" }, el("table", { class: "plain runs" },
        el("thead", {}, el("tr", {}, head.map(([text, more]) => el("th", { scope: "col", class: more === "num" ? "num" : null }, text || el("span", { class: "unseen" }, more))))),
        el("tbody", {}, shown.slice(0, most).map((run) => {
          const [word, kind] = status(run.status);
          const box = el("input", { type: "checkbox", "aria-label": `Compare ${run.name} of ${moment(run.started)}`, checked: chosen.some((own) => id(own) === id(run)), onchange: () => {
            chosen = box.checked ? [...chosen, run].slice(-2) : chosen.filter((own) => id(own) !== id(run));
            for (const [at, other] of [...body.querySelectorAll("tbody input")].entries()) other.checked = chosen.some((own) => id(own) === id(shown[at]));
            tick();
          } });
          return el("tr", {}, el("td", {}, box), el("th", { scope: "row" }, el("button", { type: "button", class: "link", onclick: () => one(run) }, el("bdi", {}, visible(run.name)), run.job !== "main" && ` – ${visible(run.job)}`), run.sandbox && el("span", { class: "badge sandbox" }, "sandbox")),
            el("td", {}, moment(run.started)), el("td", {}, el("span", { class: `badge ${kind}` }, word)), el("td", { class: "num" }, `${run.steps_done} of ${run.steps}`),
            number(run.items_out), number(run.written), number(run.failed, "bad"), number(run.unknown, "warn"), number(run.requests));
        })))),
      shown.length > most && el("button", { type: "button", onclick: () => { most += 200; list(); } }, `Show more of ${shown.length.toLocaleString("en")}`));
    tick();
  }
  load();
  return () => { isOver = true; };
}
