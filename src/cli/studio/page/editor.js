// A text editor: a text area over a layer of our own with colours, line numbers and faults. Only visible lines are drawn.
import { el, fill, calm, count } from "./dom.js";
import { painter } from "./yaml.js";
import { faultEntries, lineNode, unseen } from "./editorline.js";
import { proposals } from "./complete.js";
import { tips } from "./tip.js";
import { keys } from "./keys.js";

const HEIGHT = 21;
const PADDING = 8;
/** Beyond this, a line is shown by the text area itself, without colours. */
const LONGEST = 4000;
let last = 0;

/**
 * An editor of a text.
 * `check(text, signal)` gives `{ faults, hints }` with `line`, `column`, `message`, `advice`; it is asked 250 ms after typing stops.
 * `complete(text, line, column, signal)` gives `{ from, to, proposals, hover }`.
 * `change(text)` is called at each change, `save()` for Ctrl+S,
 * `caret(line)` when the caret has moved to another line.
 * Returns `{ node, list, status, keys, text, set, replace, go, focus, leave }`: `list` (the faults), `status` and `keys` are nodes to be
 * placed where there is room; `replace(from, to, text)` can be taken back with Ctrl+Z.
 */
export function editor({ text = "", label = "Text", check, complete, change = () => {}, save, caret = () => {} }) {
  const id = `editor-${(last += 1)}`;
  const paint = painter();
  let lines = [],
    found = new Map(),
    asking = null,
    isPlain = false,
    isOld = false,
    isOver = false,
    told = -1;
  const area = el("textarea", {
    id,
    class: "editor-area",
    spellcheck: "false",
    autocapitalize: "off",
    autocomplete: "off",
    wrap: "off",
    dir: "ltr",
    "aria-label": label,
    "aria-describedby": `${id}-keys`,
    rows: 1,
  });
  area.value = text;
  area.setSelectionRange(0, 0);
  const numbers = el("div", { class: "editor-numbers", "aria-hidden": "true" });
  const layer = el("pre", { class: "editor-layer", "aria-hidden": "true", dir: "ltr" });
  const current = el("div", { class: "editor-current", "aria-hidden": "true" });
  const keysText = el(
    "p",
    { class: "editor-keys small", id: `${id}-keys` },
    ["Tab indents; Escape, then Tab leaves", complete && "Ctrl+Space completes", save && "Ctrl+S saves"].filter(Boolean).join(" · "),
  );
  const frame = el("div", { class: "editor-frame" }, numbers, el("div", { class: "editor-text" }, current, layer, area));
  const list = el("ul", { class: "editor-faults", "aria-label": "Faults" });
  const status = el("p", { class: "editor-status small", role: "status" });
  const node = el("div", { class: "editor" }, frame);

  const shown = () => {
    const first = Math.max(0, Math.floor(area.scrollTop / HEIGHT) - 2);
    return [first, Math.min(lines.length, first + Math.ceil(area.clientHeight / HEIGHT) + 5)];
  };
  const lineOf = (place) => {
    let line = 1;
    for (let at = area.value.indexOf("\n"); at >= 0 && at < place; at = area.value.indexOf("\n", at + 1)) line += 1;
    return line;
  };
  const startOf = (line) => {
    let at = 0;
    for (let n = 1; n < line && n <= lines.length; n += 1) at += lines[n - 1].length + 1;
    return Math.min(at, area.value.length);
  };
  const place = () => {
    const line = lineOf(area.selectionStart);
    return { line, column: area.selectionStart - startOf(line) + 1 };
  };

  function draw() {
    const [from, to] = shown();
    isPlain = lines.slice(from, to).some((line) => line.length > LONGEST);
    node.classList.toggle("plain", isPlain);
    const painted = isPlain ? [] : paint(lines, from, to);
    fill(
      layer,
      painted.map((parts, at) => lineNode(lines[from + at], parts, found.get(from + at + 1) ?? [])),
    );
    const own = lineOf(area.selectionStart);
    const rows = [];
    for (let at = from; at < to; at += 1) {
      const faults = found.get(at + 1);
      const kind = faults && (faults.every((fault) => fault.isHint) ? "hint" : "bad");
      rows.push(
        el("span", { class: [at + 1 === own && "own", kind].filter(Boolean).join(" "), "data-line": String(at + 1) }, String(at + 1)),
      );
    }
    fill(numbers, el("div", {}, rows));
    const top = from * HEIGHT - area.scrollTop;
    layer.style.transform = `translate(${-area.scrollLeft}px, ${top}px)`;
    numbers.firstChild.style.transform = `translateY(${top}px)`;
    current.style.transform = `translateY(${(own - 1) * HEIGHT - area.scrollTop}px)`;
    numbers.style.width = `${Math.max(String(lines.length).length, 2) + 2.5}ch`;
    if (own !== told) {
      told = own;
      caret(own);
    }
  }
  let isDue = false;
  const soon = () => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => {
      isDue = false;
      draw();
    });
  };

  function show(faults, hints) {
    found = new Map();
    for (const fault of [...faults, ...hints.map((hint) => ({ ...hint, isHint: true })), ...unseen(lines)]) {
      const line = Math.min(Math.max(fault.line ?? 1, 1), Math.max(lines.length, 1));
      found.set(line, [...(found.get(line) ?? []), { ...fault, line }]);
    }
    const all = [...found.values()].flat().sort((a, b) => Number(a.isHint ?? 0) - Number(b.isHint ?? 0) || a.line - b.line);
    fill(list, faultEntries(all, go));
    const more = hints.length === 0 ? "" : `, ${count(hints.length, "hint")}`;
    status.textContent = faults.length === 0 ? `No faults${more}` : count(faults.length, "fault");
    status.classList.toggle("bad", faults.length > 0);
    area.setAttribute("aria-invalid", String(faults.length > 0));
    soon();
  }
  // One check at a time: a text that has changed meanwhile is checked when the answer is there.
  const checked = async () => {
    if (!check || isOver) return;
    if (asking) {
      isOld = true;
      return;
    }
    const own = (asking = new AbortController());
    isOld = false;
    const slow = setTimeout(() => {
      status.textContent = "Checking …";
      status.classList.remove("bad");
    }, 700);
    try {
      const answer = await check(area.value, own.signal);
      if (!own.signal.aborted && !isOld) show(answer.faults ?? [], answer.hints ?? []);
    } catch (fault) {
      if (own.signal.aborted) return;
      fill(list);
      status.textContent = `Not checked: ${fault.message}`;
    } finally {
      clearTimeout(slow);
      asking = null;
      if (isOld && !own.signal.aborted) checked();
    }
  };
  const checkSoon = calm(checked, 250);
  const changed = () => {
    lines = area.value.split("\n");
    soon();
    change(area.value);
    checkSoon();
  };

  function replace(from, to, more) {
    area.focus({ preventScroll: true });
    area.setSelectionRange(from, to);
    // As if it were typed, so that Ctrl+Z takes it back.
    const isHere = document.activeElement === area;
    const isDone =
      isHere && (more === "" ? from === to || document.execCommand("delete") : document.execCommand("insertText", false, more));
    if (!isDone) {
      area.setRangeText(more, from, to, "end");
      changed();
    }
  }
  function go(line, column = 1) {
    const at = startOf(line) + Math.max(column - 1, 0);
    area.focus({ preventScroll: true });
    area.setSelectionRange(at, at);
    const top = (line - 1) * HEIGHT;
    if (top < area.scrollTop || top > area.scrollTop + area.clientHeight - 2 * HEIGHT)
      area.scrollTop = Math.max(0, top - area.clientHeight / 3);
    soon();
  }
  /** The box of a place, relative to the frame; of the drawn text, so that wide characters count. */
  function box(line, column) {
    const [from] = shown();
    const row = layer.children[line - 1 - from];
    const outer = frame.getBoundingClientRect();
    let x = area.getBoundingClientRect().left + PADDING - area.scrollLeft;
    if (row) {
      let left = column - 1;
      const walk = document.createTreeWalker(row, NodeFilter.SHOW_TEXT);
      x = row.getBoundingClientRect().left;
      for (let part = walk.nextNode(); part; part = walk.nextNode()) {
        const spot = document.createRange();
        spot.setStart(part, Math.min(left, part.length));
        spot.collapse(true);
        x = spot.getBoundingClientRect().left || x;
        if (left <= part.length) break;
        left -= part.length;
      }
    }
    return { x: x - outer.left, y: (line - 1) * HEIGHT - area.scrollTop + PADDING };
  }

  const parts = {
    area,
    frame,
    lines: () => lines,
    place,
    startOf,
    replace,
    box,
    height: HEIGHT,
    faultsOf: (line) => found.get(line) ?? [],
    complete,
    layer,
    numbers,
  };
  const popup = complete ? proposals(parts) : null;
  const tip = tips(parts, () => popup?.isOpen() ?? false);
  keys(parts, popup, tip, save);
  area.addEventListener("input", () => {
    changed();
    popup?.typed();
  });
  area.addEventListener("scroll", () => {
    soon();
    popup?.scrolled();
    tip.close();
  });
  const moved = () => {
    if (document.activeElement === area) {
      soon();
      tip.moved();
    }
  };
  document.addEventListener("selectionchange", moved);
  // The caret stays in view when the faults below the editor need room.
  const sized = new ResizeObserver(() => {
    const low = lineOf(area.selectionStart) * HEIGHT + 16;
    const isNear = low > area.scrollTop + area.clientHeight && low < area.scrollTop + area.clientHeight + 8 * HEIGHT;
    if (document.activeElement === area && isNear) area.scrollTop = low - area.clientHeight;
    soon();
  });
  sized.observe(area);
  lines = area.value.split("\n");
  draw();
  // After its owner has made what the check uses.
  queueMicrotask(checked);

  return {
    node,
    list,
    status,
    keys: keysText,
    text: () => area.value,
    /** Checks the text again, for another reason than a change of it. */
    check: () => checked(),
    /** Another text, without a way back; the caret and the place stay. */
    set: (next) => {
      const at = Math.min(area.selectionStart, next.length);
      area.value = next;
      area.setSelectionRange(at, at);
      lines = next.split("\n");
      soon();
      checked();
    },
    replace,
    go,
    focus: () => area.focus(),
    leave: () => {
      isOver = true;
      asking?.abort();
      sized.disconnect();
      document.removeEventListener("selectionchange", moved);
      popup?.close();
      tip.close();
    },
  };
}
