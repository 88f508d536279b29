// What can be written at a place of the editor: a list below the caret, with the documentation of the chosen entry.
import { el, fill, calm, visible } from "./dom.js";
import { prose } from "./failure.js";

const SHOWN = 50;

export function proposals({ area, frame, lines, place, startOf, replace, box, height, complete }) {
  let asking = null,
    found = null,
    at = 0,
    isOpen = false,
    isTaking = false,
    isAsked = false,
    turn = 0;
  const id = `${area.id}-proposals`;
  const list = el("ul", { id, role: "listbox", tabindex: "0", "aria-label": "What can be written here" });
  const about = el("div", { class: "editor-about" });
  const node = el("div", { class: "editor-popup", hidden: true, onmousedown: (event) => event.preventDefault() }, list, about);
  frame.append(node);
  area.setAttribute("aria-autocomplete", "list");
  area.setAttribute("aria-controls", id);

  function close() {
    asking?.abort();
    isOpen = false;
    turn += 1;
    node.hidden = true;
    area.removeAttribute("aria-activedescendant");
  }
  /** The text between the place that a proposal replaces and the caret: it narrows the list while typing goes on. */
  const typedText = () => area.value.slice(startOf(found.from.line) + found.from.column - 1, area.selectionStart);
  const fitting = () => {
    const text = typedText().toLowerCase().replace(/^["']/, "");
    if (text.includes("\n")) return [];
    const rank = (own) => {
      const word = own.text.toLowerCase();
      return word.startsWith(text) ? 0 : word.includes(text) ? 1 : 2;
    };
    return found.proposals
      .filter((own) => rank(own) < 2)
      .sort((a, b) => rank(a) - rank(b))
      .slice(0, SHOWN);
  };
  let shown = [];
  function draw() {
    shown = fitting();
    if (shown.length === 1 && shown[0].text === typedText()) shown = [];
    if (shown.length === 0 && !(isAsked && found.hover)) return close();
    at = Math.min(at, Math.max(shown.length - 1, 0));
    fill(
      list,
      shown.map((own, n) =>
        el(
          "li",
          {
            id: `${id}-${n}`,
            role: "option",
            "aria-selected": String(n === at),
            onmousedown: () => {
              at = n;
              take();
            },
          },
          el("span", { class: "word" }, visible(own.text)),
          own.detail && el("span", { class: "detail" }, visible(own.detail)),
        ),
      ),
    );
    const text = shown[at]?.documentation ?? (shown.length === 0 ? found.hover : null);
    fill(about, text && el("p", {}, prose(text)));
    about.hidden = !text;
    list.hidden = shown.length === 0;
    node.hidden = false;
    isOpen = true;
    settle();
    if (shown.length > 0) area.setAttribute("aria-activedescendant", `${id}-${at}`);
    const own = list.children[at];
    if (own && own.offsetTop < list.scrollTop) list.scrollTop = own.offsetTop;
    else if (own && own.offsetTop + own.offsetHeight > list.scrollTop + list.clientHeight)
      list.scrollTop = own.offsetTop + own.offsetHeight - list.clientHeight;
  }
  /** Below the line, or above it where there is more room. */
  function settle() {
    const spot = box(found.from.line, found.from.column);
    const room = frame.clientHeight - spot.y - height;
    node.style.left = `${Math.max(4, Math.min(spot.x - 8, frame.clientWidth - node.offsetWidth - 4))}px`;
    node.style.top = `${room > node.offsetHeight || room > spot.y ? spot.y + height + 2 : spot.y - node.offsetHeight - 2}px`;
  }
  /** The list stays at its line as long as that can be seen. */
  const scrolled = () => {
    if (!isOpen) return;
    const top = (found.from.line - 1) * height - area.scrollTop;
    if (top < -height || top > area.clientHeight) close();
    else
      requestAnimationFrame(() => {
        if (isOpen) settle();
      });
  };
  async function ask(isByHand = false) {
    const own = (turn += 1),
      { line, column } = place();
    asking?.abort();
    asking = new AbortController();
    try {
      const answer = await complete(area.value, line, column, asking.signal);
      if (own !== turn || document.activeElement !== area) return;
      found = answer;
      isAsked = isByHand;
      at = 0;
      draw();
    } catch (fault) {
      if (fault.name !== "AbortError") close();
    }
  }
  const askSoon = calm(() => {
    if (document.activeElement === area && area.selectionStart === area.selectionEnd) ask();
  }, 90);
  function take() {
    const own = shown[at];
    if (!own) return close();
    const from = startOf(found.from.line) + found.from.column - 1;
    const to = Math.max(startOf(found.to.line) + found.to.column - 1, area.selectionStart);
    close();
    const insert = own.insert ?? own.text;
    // After a key its value is proposed; after a value there is nothing to propose.
    isTaking = !/\s$/.test(insert);
    replace(from, to, insert);
    isTaking = false;
  }
  const typed = () => {
    if (isTaking) return;
    const { line, column } = place();
    const before = (lines()[line - 1] ?? "").slice(0, column - 1);
    const isWord = /[\w$.|{"'/-]$|:\s$|-\s$|\s\|\s$|,\s$|\{\s$/.test(before) && !/(^|\s)#/.test(before);
    if (!isWord) return close();
    if (isOpen && found.from.line === line && found.from.column <= column) draw();
    askSoon();
  };
  area.addEventListener("blur", close);
  area.addEventListener("mousedown", close);
  return {
    typed,
    close,
    scrolled,
    isOpen: () => isOpen,
    /** Whether the key was one for the list. */
    key: (event) => {
      if ((event.ctrlKey || event.metaKey) && event.code === "Space") {
        ask(true);
        return true;
      }
      if (!isOpen || event.ctrlKey || event.metaKey || event.altKey) return false;
      const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
      if (step && shown.length > 0) {
        at = Math.abs(step) === 1 ? (at + step + shown.length) % shown.length : Math.min(Math.max(at + step, 0), shown.length - 1);
        draw();
        return true;
      }
      if (event.key === "Escape") {
        close();
        return true;
      }
      if ((event.key === "Enter" || event.key === "Tab") && !event.shiftKey && shown.length > 0) {
        take();
        return true;
      }
      if (["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) close();
      return false;
    },
  };
}
