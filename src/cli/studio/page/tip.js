// The box below a line of the editor: its faults, or what a word means.
import { el, fill, calm } from "./dom.js";
import { prose } from "./failure.js";

export function tips({ area, frame, lines, place, box, height, faultsOf, complete, numbers }, isBusy) {
  const node = el("div", { class: "editor-tip", hidden: true, role: "tooltip" });
  frame.append(node);
  let asking = null,
    over = null,
    isTyping = false;
  const close = () => {
    node.hidden = true;
    over = null;
    asking?.abort();
  };
  const show = (line, column, ...content) => {
    fill(node, ...content);
    node.hidden = false;
    const at = box(line, column);
    const room = frame.clientHeight - (at.y + height);
    node.style.left = `${Math.max(48, Math.min(at.x, frame.clientWidth - node.offsetWidth - 8))}px`;
    node.style.top = `${room > node.offsetHeight + 8 ? at.y + height + 2 : Math.max(2, at.y - node.offsetHeight - 2)}px`;
  };
  const faults = (line) => {
    const found = faultsOf(line);
    if (found.length === 0) return false;
    show(
      line,
      found[0].column ?? 1,
      found
        .slice(0, 5)
        .map((fault) =>
          el(
            "p",
            { class: fault.isHint ? "hint" : "bad" },
            prose(fault.message),
            fault.advice && fault.advice !== fault.message && el("span", { class: "small" }, prose(String(fault.advice))),
          ),
        ),
    );
    return true;
  };
  const moved = calm(() => {
    if (isBusy() || isTyping || document.activeElement !== area) return;
    if (!faults(place().line)) close();
  }, 350);
  const ask = calm(async (line, column) => {
    if (isBusy() || over !== `${line}:${column}`) return;
    if (faults(line) || !complete) return;
    if (column > (lines()[line - 1] ?? "").length) return;
    asking?.abort();
    asking = new AbortController();
    try {
      const { hover } = await complete(area.value, line, column, asking.signal);
      if (hover && over === `${line}:${column}`) show(line, column, el("p", {}, prose(hover)));
    } catch {
      /* A word that nobody explains has no box. */
    }
  }, 400);
  let wide = 0;
  const measure = () => {
    const probe = el("span", { class: "editor-probe" }, "0".repeat(100));
    frame.append(probe);
    wide = probe.getBoundingClientRect().width / 100;
    probe.remove();
  };
  area.addEventListener("mousemove", (event) => {
    if (event.buttons) return;
    if (!wide) measure();
    const spot = area.getBoundingClientRect();
    const line = Math.floor((event.clientY - spot.top + area.scrollTop) / height) + 1;
    const column = Math.floor((event.clientX - spot.left - 8 + area.scrollLeft) / wide) + 1;
    const next = `${line}:${column}`;
    if (next === over) return;
    if (over && line !== Number(over.split(":")[0]) && !node.matches(":hover")) node.hidden = true;
    over = next;
    ask(line, column);
  });
  numbers.addEventListener("mouseover", (event) => {
    if (event.target.dataset?.line) faults(Number(event.target.dataset.line));
  });
  frame.addEventListener("mouseleave", close);
  area.addEventListener("blur", close);
  // While somebody types, a fault of the line is underlined only.
  area.addEventListener("input", () => {
    isTyping = true;
    close();
  });
  area.addEventListener("mousedown", () => {
    isTyping = false;
  });
  area.addEventListener("keydown", (event) => {
    if (/^(Arrow|Page|Home|End)/.test(event.key)) isTyping = false;
  });
  return { close, moved };
}
