// The steps of a batch as boxes in layers, with arrows from each step to those that use it. The boxes are buttons in a list.
import { el, fill, visible } from "./dom.js";
import { status } from "./runwords.js";

const NS = "http://www.w3.org/2000/svg";
const WIDE = 166,
  LOW = 58,
  TALL = 74,
  GAP = 14,
  DEEP = 38;
const KINDS = {
  query: "Reads",
  mutate: "Writes",
  delete: "Deletes",
  upsert: "Creates and changes",
  load: "Loads",
  transform: "Transforms",
  http: "Posts",
  batch: "Runs",
  local: "Local",
};
const CLOSING = { on_failure: "on failure", finally: "finally" };
const COLORS = { query: "query", mutate: "mutate", upsert: "mutate", http: "mutate", delete: "delete" };

function drawn(name, attributes) {
  const node = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

/** The layer of each step: one more than the deepest step that it needs. */
export function layers(steps) {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const known = new Map();
  const depth = (step, seen) => {
    if (known.has(step.id)) return known.get(step.id);
    if (seen.has(step.id)) return 0;
    seen.add(step.id);
    const own =
      Math.max(
        -1,
        ...(step.needs ?? [])
          .map((id) => byId.get(id))
          .filter(Boolean)
          .map((need) => depth(need, seen)),
      ) + 1;
    known.set(step.id, own);
    return own;
  };
  const found = [];
  for (const step of steps) (found[depth(step, new Set())] ??= []).push(step);
  return found.filter(Boolean);
}

/** `go(step)` is called for a step that was chosen. Returns the node, `set(steps)`, `mark(states)` and `select(line)`. */
export function graph(go) {
  const lines = drawn("svg", { class: "graph-lines", "aria-hidden": "true" });
  const list = el("ol", { class: "graph-steps", "aria-label": "Steps" });
  const sheet = el("div", { class: "graph-sheet" }, lines, list);
  const node = el("div", { class: "graph", tabindex: 0, role: "group", "aria-label": "Graph" }, sheet);
  let steps = [],
    known = "",
    boxes = new Map(),
    states = new Map(),
    arrows = [],
    selected = null;

  const box = (step) => {
    const kind = COLORS[step.kind] ?? "local";
    const state = el("span", { class: "graph-state" });
    const button = el(
      "button",
      {
        type: "button",
        class: `graph-box ${kind}`,
        onclick: () => go(steps.find((own) => own.id === step.id) ?? step),
        title: [step.id, step.operation, step.connection].filter(Boolean).join(" · "),
      },
      el(
        "span",
        { class: "graph-id" },
        el("bdi", {}, visible(step.id)),
        step.list in CLOSING && el("span", { class: "graph-list" }, CLOSING[step.list]),
      ),
      el(
        "span",
        { class: "graph-about" },
        el("span", { class: "graph-kind" }, KINDS[step.kind] ?? step.kind ?? ""),
        " ",
        visible(step.operation ?? ""),
      ),
      el("span", { class: "graph-connection" }, visible(step.connection ?? "")),
      state,
    );
    boxes.set(step.id, { button, state });
    return el("li", {}, button, el("span", { class: "unseen" }, step.needs?.length > 0 ? `needs ${step.needs.join(", ")}` : ""));
  };

  function place() {
    const room = Math.max(node.clientWidth - 2, WIDE + 2 * GAP);
    const across = Math.max(1, Math.floor((room - GAP) / (WIDE + GAP)));
    const spots = new Map(),
      high = states.size > 0 ? TALL : LOW;
    let y = GAP;
    const parts = ["steps", "on_failure", "finally"].map((list) => steps.filter((step) => (step.list ?? "steps") === list));
    for (const layer of parts.flatMap(layers)) {
      for (let at = 0; at < layer.length; at += across) {
        const row = layer.slice(at, at + across);
        const from = Math.max(GAP, (room - row.length * (WIDE + GAP) + GAP) / 2);
        for (const [n, step] of row.entries()) spots.set(step.id, { x: from + n * (WIDE + GAP), y });
        y += high + (at + across < layer.length ? GAP : DEEP);
      }
    }
    const whole = Math.max(y - DEEP + GAP, 0);
    node.classList.toggle("with-states", states.size > 0);
    sheet.style.height = `${whole}px`;
    lines.setAttribute("width", String(room));
    lines.setAttribute("height", String(whole));
    for (const [id, { button }] of boxes) {
      const spot = spots.get(id);
      button.style.transform = `translate(${spot.x}px, ${spot.y}px)`;
    }
    arrows = [];
    for (const step of steps) {
      for (const need of step.needs ?? []) {
        const a = spots.get(need),
          b = spots.get(step.id);
        if (!a || !b) continue;
        const [x1, y1, x2, y2] = [a.x + WIDE / 2, a.y + high, b.x + WIDE / 2, b.y - 5];
        const bend = Math.max(16, (y2 - y1) / 2);
        arrows.push(
          {
            of: [need, step.id],
            path: drawn("path", { d: `M${x1} ${y1}C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2}`, class: "graph-line" }),
          },
          { of: [need, step.id], path: drawn("path", { d: `M${x2 - 4} ${y2 - 1}l4 6l4 -6z`, class: "graph-arrow" }) },
        );
      }
    }
    lines.replaceChildren(...arrows.map((own) => own.path));
    lighten();
  }
  /** The arrows of the selected step are brighter. */
  function lighten() {
    for (const { of, path } of arrows) path.classList.toggle("on", of.includes(selected));
  }
  function paint() {
    for (const [id, { button, state }] of boxes) {
      const own = states.get(id);
      button.dataset.state = own?.status ?? "";
      if (id === selected) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
      const [text, kind] = own ? status(own.status) : ["", ""];
      state.className = `graph-state ${kind}`;
      fill(state, own && text, own?.text && ` · ${own.text}`);
    }
  }
  const sized = new ResizeObserver(() => steps.length > 0 && place());
  sized.observe(node);
  return {
    node,
    set: (next) => {
      const shape = JSON.stringify(next, (key, value) => (key === "line" ? undefined : value));
      steps = next;
      if (shape === known) return;
      known = shape;
      boxes = new Map();
      fill(list, steps.map(box));
      if (steps.length > 0) place();
      else {
        sheet.style.height = "0";
        lines.replaceChildren();
      }
      paint();
    },
    /** States by step: `{ status, text }`. */
    mark: (next) => {
      const isOther = next.size > 0 !== states.size > 0;
      states = next;
      if (isOther && steps.length > 0) place();
      paint();
    },
    /** The step whose lines have the caret. */
    select: (line) => {
      const own = steps.reduce((best, step) => (step.line <= line && step.line > (best?.line ?? 0) ? step : best), null)?.id ?? null;
      if (own === selected) return;
      for (const id of [selected, own]) boxes.get(id)?.button.removeAttribute("aria-current");
      selected = own;
      boxes.get(own)?.button.setAttribute("aria-current", "true");
      lighten();
    },
    leave: () => sized.disconnect(),
  };
}
