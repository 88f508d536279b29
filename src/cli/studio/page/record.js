// One run of the history: how it ended, its steps over time, notes and files.
import { el, visible } from "./dom.js";
import { size } from "./textview.js";
import { timeline } from "./timeline.js";
import { errors, stepTable } from "./report.js";
import { counts, exit, lasting, moment, named, status } from "./runwords.js";

/** Work and waits of the steps on one clock; the time between two processes of a resumed run is left out. */
function onOneClock(own) {
  const stretches = (own.parts ?? [])
    .map((part) => [Date.parse(part.began), Date.parse(part.ended ?? part.began)])
    .filter(([from]) => Number.isFinite(from));
  const clock = (text) => {
    const at = Date.parse(text);
    let before = 0;
    for (const [from, to] of stretches) {
      if (at <= to || to === stretches.at(-1)[1]) return before + Math.max(at - from, 0);
      before += to - from;
    }
    return at;
  };
  const stretch = (pair) => {
    const [from, to] = Array.isArray(pair) ? pair : [pair.from ?? pair.began, pair.to ?? pair.ended];
    return [clock(from), clock(to ?? from)];
  };
  return (own.step_records ?? []).map((step) => ({
    name: named(step),
    status: step.earlier ? "earlier" : (step.status ?? "waiting"),
    text: counts(step),
    spans: (step.spans ?? []).map(stretch),
    waits: (step.waits ?? []).map(stretch),
  }));
}

const noteText = (note) => (typeof note === "string" ? note : (note.message ?? JSON.stringify(note)));

/** A run, with a way back to the list. */
export function recordView(own, { back, openBatch, showItems }) {
  const [word, kind] = status(own.status);
  const picture = timeline();
  const rows = onOneClock(own).filter((row) => row.spans.length > 0);
  if (rows.length > 0) picture.draw(rows, 0);
  const inputs = Object.entries(own.inputs ?? {}),
    vars = Object.entries(own.vars ?? {});
  const left = own.left ?? [],
    settled = own.settled ?? [],
    notes = own.notes ?? [],
    files = own.files ?? [];
  const saved = [...new Set((own.step_records ?? []).flatMap((step) => step.saved ?? []))];
  const list = (title, entries) =>
    entries.length > 0 &&
    el("details", {}, el("summary", {}, `${title} (${entries.length})`), el("ul", { class: "paths" }, entries.slice(0, 500)));
  return el(
    "article",
    { class: "record", "aria-label": `Run ${own.run}` },
    el("div", { class: "bar" }, el("button", { type: "button", class: "quiet", onclick: back }, "← All runs")),
    el(
      "div",
      { class: "record-head" },
      el("h2", {}, visible(own.name), own.job !== "main" && ` – ${visible(own.job)}`),
      el("span", { class: `badge ${kind}` }, word),
      own.exit_code !== undefined &&
        own.exit_code !== null &&
        el("span", { class: `badge ${exit(own.exit_code)[1]}` }, `exit code ${own.exit_code}: ${exit(own.exit_code)[0]}`),
    ),
    el(
      "p",
      { class: "small" },
      [
        `run ${own.run}`,
        moment(own.started),
        own.elapsed_ms !== undefined && lasting(own.elapsed_ms),
        (own.parts?.length ?? 1) > 1 && `${own.parts.length} starts`,
        own.host && `on ${own.host}`,
      ]
        .filter(Boolean)
        .map(visible)
        .join(" · "),
      " ",
      own.file && el("button", { type: "button", class: "link", onclick: () => openBatch(own.file) }, visible(own.file)),
    ),
    errors([own.error].filter(Boolean)),
    (inputs.length > 0 || vars.length > 0) &&
      el(
        "dl",
        { class: "facts" },
        [...inputs, ...vars].flatMap(([name, value]) => [
          el("dt", {}, visible(name)),
          el("dd", {}, el("code", {}, visible(JSON.stringify(value)).slice(0, 500))),
        ]),
      ),
    rows.length > 0 && [el("h3", {}, "Over time"), picture.node],
    el("h3", {}, "Steps"),
    stepTable(own.step_records ?? []),
    left.length > 0 &&
      el(
        "div",
        { class: "bar" },
        el("button", { type: "button", onclick: showItems }, `Show the items that need a person (${left.length.toLocaleString("en")})`),
      ),
    list(
      "Notes",
      notes.map((note) => el("li", { dir: "auto" }, visible(noteText(note)))),
    ),
    list(
      "Saved",
      saved.map((path) => el("li", {}, el("code", {}, visible(path)))),
    ),
    list(
      "Settled items",
      settled.map((item) =>
        el("li", { dir: "auto" }, `${visible(item.step ?? "")} item ${item.index ?? ""}: ${visible(item.note ?? "no note")}`),
      ),
    ),
    list(
      "Files of the run",
      files.map((file) => el("li", {}, el("code", {}, visible(file.path)), ` ${size(file.bytes)}`)),
    ),
  );
}
