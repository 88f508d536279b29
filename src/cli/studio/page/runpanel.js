// Where a batch is run: on which systems, with which inputs; its plan, and its run.
import { el, fill, tell, visible } from "./dom.js";
import { post } from "./api.js";
import { failure } from "./failure.js";
import { inputForm } from "./inputs.js";
import { mayRun, planView } from "./batchplan.js";
import { runView } from "./runview.js";

/** The last run of each file, so that it is found again when the view is opened again. */
const lastRuns = new Map();

/** `file` is of batchfile.js, `text()` what the editor has. Returns `{ node, checked, changed, leave }`. */
export function runPanel({ file, text, graph, showItems, goTo, ended, switched }) {
  const last = lastRuns.get(file.path());
  let isSandbox = last?.isSandbox ?? true,
    stop = () => {},
    isBusy = false,
    faults = 0,
    used = [];
  const radio = (value, title) =>
    el(
      "label",
      {},
      el("input", {
        type: "radio",
        name: "batch-target",
        value,
        checked: (value === "sandbox") === isSandbox,
        onchange: () => {
          isSandbox = value === "sandbox";
          paint();
          old();
          switched();
        },
      }),
      el("span", {}, title),
    );
  const systems = el("p", { class: "small" });
  const form = inputForm(`opnode-inputs:${file.path()}`, () => old());
  const told = el("div", { "aria-live": "polite" });
  const shown = el("div", { class: "run-shown" });
  const old = () => shown.classList.add("old");
  const how = el(
    "select",
    { id: "batch-how", onchange: old },
    [
      ["", "New, or go on"],
      ["retryFailed", "Only failed items"],
      ["fresh", "Start over"],
    ].map(([value, title]) => el("option", { value }, title)),
  );
  const options = el(
    "label",
    {
      class: "run-how",
      for: "batch-how",
      hidden: true,
      title: "A run that was interrupted goes on; or only its failed items are sent; or it is archived, and all is sent again",
    },
    "Run ",
    how,
  );
  const planned = el("button", { type: "button", onclick: () => act(plan) }, "Plan");
  const start = el("button", { type: "button", class: "main", onclick: () => act(run) });

  function paint() {
    start.textContent = isSandbox ? "Run on the sandbox" : "Run …";
    const names = used.length > 0 ? used.join(", ") : "";
    systems.textContent = isSandbox
      ? "The sandbox is a mock of the systems in opnode: nothing leaves this computer."
      : names
        ? `Sends to ${visible(names)}, after the plan and a question.`
        : "Sends to the connections of the batch, after the plan and a question.";
    options.hidden = isSandbox;
    start.disabled = planned.disabled = isBusy;
  }
  async function act(work) {
    if (isBusy) return;
    isBusy = true;
    paint();
    fill(told);
    form.faults(null);
    try {
      await work();
    } catch (fault) {
      const isNamed = form.faults(fault.error);
      const at = (fault.error?.faults ?? [fault.error?.place]).find((own) => own?.line);
      fill(
        told,
        !isNamed && failure(fault),
        !isNamed && at && el("button", { type: "button", class: "link", onclick: () => goTo(at.line, at.column) }, `Go to line ${at.line}`),
      );
      if (isNamed) tell(fault.message);
    }
    isBusy = false;
    paint();
  }
  const asked = () => post("batches/plan", { path: file.path(), text: text(), sandbox: isSandbox, inputs: form.values(), ...chosen() });
  const chosen = () => (!isSandbox && how.value ? { [how.value]: true } : {});
  async function plan() {
    const found = await asked();
    stop();
    graph.mark(new Map());
    lastRuns.delete(file.path());
    fill(shown, planView(found, isSandbox));
    shown.classList.remove("old");
    tell("The plan is shown.");
  }
  function follow(id) {
    stop();
    shown.classList.remove("old");
    stop = runView(shown, id, { graph, showItems, ended });
  }
  async function run() {
    if (!(await file.save())) throw new Error("The file is not saved: only a saved file is run.");
    let hash;
    if (!isSandbox) {
      const found = await asked();
      if (!(await mayRun(found))) return;
      hash = found.plan.hash;
    }
    const { run: id } = await post("batches/run", {
      path: file.path(),
      sandbox: isSandbox,
      inputs: form.values(),
      ...chosen(),
      ...(hash ? { planHash: hash } : {}),
    });
    lastRuns.set(file.path(), { id, isSandbox });
    follow(id);
    tell("The run has begun.");
  }
  const node = el(
    "section",
    { class: "card run-panel", "aria-label": "Plan and run" },
    el(
      "fieldset",
      { class: "segments" },
      el("legend", { class: "unseen" }, "Systems"),
      radio("sandbox", "Sandbox"),
      radio("real", "Real connections"),
    ),
    systems,
    form.node,
    el("div", { class: "bar" }, start, planned, options),
    told,
    shown,
  );
  paint();
  if (last) follow(last.id);
  return {
    node,
    /** What a check has found. */
    checked: (answer) => {
      faults = answer.faults?.length ?? 0;
      used = answer.connections ?? [...new Set((answer.steps ?? []).map((step) => step.connection).filter(Boolean))];
      // While a file has faults its inputs may not be known: the form stays.
      if (faults === 0 || answer.inputs?.length > 0) form.set(answer.inputs ?? []);
      node.classList.toggle("has-faults", faults > 0);
      paint();
    },
    changed: old,
    isSandbox: () => isSandbox,
    leave: () => stop(),
  };
}
