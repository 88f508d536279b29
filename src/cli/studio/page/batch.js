// The batch view: a file with its editor, its graph and its runs; items that need a person; the history of runs.
import { el, fill, tell, visible } from "./dom.js";
import { get, post } from "./api.js";
import { failure } from "./failure.js";
import { batchFile } from "./batchfile.js";
import { newBatch } from "./newbatch.js";
import { editor } from "./editor.js";
import { graph } from "./graph.js";
import { runPanel } from "./runpanel.js";
import { withStep } from "./addstep.js";

const LAST = "opnode-batch-last";
const STATES = {
  saved: ["Saved", ""],
  unsaved: ["Not saved – kept in this browser", "warn"],
  saving: ["Saving …", ""],
  conflict: ["Changed by another program", "bad"],
};
const TABS = [
  ["file", "Batch file"],
  ["items", "Items that need a person"],
  ["runs", "Runs"],
];
const hash = (path) => `#/batch/${path.split("/").map(encodeURIComponent).join("/")}`;

export async function show(main, context) {
  let files = await list(),
    close = () => {},
    closeOther = () => {},
    tab = "file",
    opened = null,
    turn = 0;
  const tabs = el("div", { class: "tabs", role: "tablist", "aria-label": "Batch" });
  // The file stays as it is while another tab is looked at.
  const panel = el("div", { role: "tabpanel", id: "batch-file", "aria-labelledby": "batch-tab-file" });
  const other = el("div", { role: "tabpanel", id: "batch-other" });
  const buttons = TABS.map(([name, title]) =>
    el(
      "button",
      {
        type: "button",
        role: "tab",
        id: `batch-tab-${name}`,
        "aria-controls": name === "file" ? "batch-file" : "batch-other",
        onclick: () => choose(name),
      },
      title,
    ),
  );
  tabs.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = TABS.findIndex(([name]) => name === tab);
    const next = (at + step + TABS.length) % TABS.length;
    choose(TABS[next][0]);
    buttons[next].focus();
  });
  fill(tabs, buttons);
  fill(main, el("h2", { class: "unseen" }, "Batch"), tabs, panel, other);

  async function list() {
    const found = await get("files");
    return { folder: found.folder, batches: found.files.filter((file) => file.kind === "batch"), all: found.files };
  }
  async function choose(name) {
    tab = name;
    for (const [at, button] of buttons.entries()) {
      button.setAttribute("aria-selected", String(TABS[at][0] === name));
      button.tabIndex = TABS[at][0] === name ? 0 : -1;
    }
    panel.hidden = name !== "file";
    other.hidden = name === "file";
    other.setAttribute("aria-labelledby", `batch-tab-${name}`);
    closeOther();
    closeOther = () => {};
    fill(other);
    if (name === "file") return opened === null ? open(wanted()) : undefined;
    const own = name === "items" ? await import("./leftitems.js") : await import("./history.js");
    if (tab === name) closeOther = own.show(other, { openBatch: openFile, showItems: () => choose("items"), counted });
  }
  const openFile = (path) => (hash(path) === location.hash ? choose("file") : context.go(hash(path)));
  const wanted = () => {
    const named = context.parts?.join("/") ?? "";
    const known = (path) => files.batches.some((file) => file.path === path);
    const last = localStorage.getItem(LAST);
    return named || (last && known(last) ? last : files.batches[0]?.path) || null;
  };
  async function make(content = null) {
    const path = await newBatch(files.all, content);
    if (!path) return;
    files = await list();
    opened = null;
    openFile(path);
  }
  async function open(path) {
    const mine = (turn += 1);
    close();
    close = () => {};
    if (!path) return fill(panel, empty(make, context));
    fill(panel, el("p", { class: "small loading" }, "Loading …"));
    let own;
    try {
      own = await fileView(path, { files, context, make, showItems: () => choose("items"), ended: counted });
    } catch (fault) {
      if (mine !== turn) return undefined;
      const block = failure(fault, `${path} cannot be opened.`);
      return fill(
        panel,
        block,
        el(
          "div",
          { class: "bar" },
          files.batches.map((file) => el("a", { href: hash(file.path) }, visible(file.path))),
          el("button", { type: "button", onclick: () => make() }, "New batch …"),
        ),
      );
    }
    // Another file was opened meanwhile.
    if (mine !== turn) return own.leave();
    opened = path;
    localStorage.setItem(LAST, path);
    close = own.leave;
    fill(panel, own.nodes);
    own.begin();
    return undefined;
  }
  /** How many items of real runs need a person, in their tab. */
  async function counted() {
    const found = await get("items").catch(() => ({ items: [] }));
    const real = found.items.filter((item) => !item.sandbox).length;
    fill(buttons[1], TABS[1][1], real > 0 && el("span", { class: "badge warn" }, real.toLocaleString("en")));
  }
  await choose("file");
  counted();
  const leave = () => {
    turn += 1;
    close();
    closeOther();
  };
  leave.route = () => {
    opened = null;
    return choose("file");
  };
  return leave;
}

const empty = (make, context) =>
  el(
    "div",
    { class: "empty" },
    el("h3", {}, "There is no batch file in this folder"),
    el(
      "p",
      {},
      "A batch is a file with steps: reads, writes and transforms, in order, each with its own connection. " +
        "Its runs are kept, and resume after an interruption.",
    ),
    el(
      "div",
      { class: "bar" },
      el(
        "button",
        { type: "button", class: "main", onclick: () => make(context.step ? "version: 1\nname: batch\nsteps: []\n" : null) },
        context.step ? "Make a file for the step …" : "New batch …",
      ),
    ),
  );

/** One file: the editor on the left, the graph and the runs on the right. */
async function fileView(path, { files, context, make, showItems, ended }) {
  const banner = el("div", { class: "batch-banner" });
  const state = el("span", { class: "badge", role: "status" });
  const told = (name) => {
    [state.textContent, state.className] = [STATES[name][0], `badge ${STATES[name][1]}`];
    saved.disabled = name !== "unsaved";
  };
  const saved = el("button", { type: "button", onclick: () => file.save() }, "Save");
  let code = null;
  const file = batchFile({
    folder: files.folder,
    text: () => code.text(),
    put: (text) => code.replace(0, code.text().length, text),
    refresh: (text) => code.set(text),
    told,
    banner,
  });
  const text = await file.open(path);
  const picture = graph((step) => code.go(step.line));
  const empties = el("p", { class: "small graph-empty" }, "The steps are shown here when the file can be read.");
  code = editor({
    text,
    label: `Text of ${path}`,
    save: () => file.save(),
    check: async (own, signal) => {
      const answer = await post("batches/check", { path, text: own, sandbox: runs.isSandbox() }, signal);
      if (signal.aborted) return answer;
      const steps = answer.steps ?? [];
      // The last graph stays while a text cannot be read.
      if (steps.length > 0 || (answer.faults ?? []).length === 0) picture.set(steps);
      empties.hidden = steps.length > 0 || picture.node.querySelector("li") !== null;
      empties.textContent =
        (answer.faults ?? []).length > 0 && !/^steps:\s*(\[\s*\])?\s*$/m.test(own)
          ? "The steps are shown here when the faults are corrected."
          : "It has no steps yet. Add them from Operations, or write them.";
      runs.checked(answer);
      return answer;
    },
    complete: (own, line, column, signal) => post("batches/complete", { path, text: own, line, column }, signal),
    change: () => {
      file.changed();
      runs.changed();
    },
    caret: (line) => picture.select(line),
  });
  const runs = runPanel({ file, text: () => code.text(), graph: picture, showItems, goTo: (line, column) => code.go(line, column), ended, switched: () => code.check() });
  const chooser = el(
    "select",
    { "aria-label": "Batch file", onchange: () => context.go(hash(chooser.value)) },
    [...new Set([path, ...files.batches.map((own) => own.path)])].sort().map((own) => el("option", { value: own }, visible(own))),
  );
  chooser.value = path;
  const nodes = [
    banner,
    el(
      "div",
      { class: "batch-work" },
      el(
        "section",
        { class: "batch-left", "aria-label": "File" },
        el("div", { class: "bar batch-bar" }, chooser, saved, el("button", { type: "button", onclick: () => make() }, "New …"), state),
        code.node,
        el("div", { class: "editor-foot" }, code.status, code.keys),
        code.list,
      ),
      el(
        "div",
        { class: "batch-right" },
        el("section", { class: "graph-card", "aria-label": "Graph of the steps" }, picture.node, empties),
        runs.node,
      ),
    ),
  ];
  told(file.isChanged() ? "unsaved" : "saved");
  if (banner.childElementCount > 0) told("conflict");
  return {
    nodes,
    begin: () => {
      if (context.step) add(code, picture, context, banner);
    },
    leave: () => {
      runs.leave();
      picture.leave();
      file.leave();
      code.leave();
    },
  };
}

/** Adds the step that the operations view has given. */
function add(code, picture, context, banner) {
  const step = context.step;
  context.step = null;
  try {
    const change = withStep(code.text(), step, context.about.connections);
    code.replace(change.from, change.to, change.insert);
    code.go(change.line);
    picture.select(change.line);
    tell(`The step ${change.id ?? ""} was added in line ${change.line}.`);
  } catch (fault) {
    fill(banner, failure(fault, "The step was not added."), el("pre", { tabindex: 0 }, visible(step.text)));
  }
}
