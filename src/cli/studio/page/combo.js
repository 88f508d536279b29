// A combobox: an input with a list of proposals that is filterable; any other value can be typed.
import { el, fill, visible } from "./dom.js";

const MOST = 100;
let last = 0;

/**
 * `load()` gives { rows: [{ value, label, detail? }], note? } and is called on first use. `take(value, row)` gets what was chosen, or the
 * typed text with no row. `value` is the text that is shown first. `strict` takes rows only; `clears` empties the input after a choice.
 */
export function combo({ label, id, value = "", placeholder = "", load, take, strict = false, clears = false, describedby }) {
  const list = `combo-${(last += 1)}`;
  let rows = null, shown = [], at = -1, chosen = null, isOpen = false, failure = "", listening;
  const input = el("input", {
    type: "text", id, placeholder, role: "combobox", "aria-expanded": "false", "aria-controls": list, "aria-autocomplete": "list",
    "aria-label": id ? null : label, "aria-describedby": describedby, autocomplete: "off", spellcheck: "false", dir: "auto",
  });
  input.value = value;
  const suffix = el("span", { class: "combo-id" });
  const box = el("div", { class: "combo-list", popover: "manual" });
  const options = el("div", { role: "listbox", id: list, "aria-label": label });
  const note = el("p", { class: "small combo-note", role: "status" });
  box.append(options, note);
  const node = el("span", { class: "combo" }, input, suffix, box);

  const place = () => {
    const around = input.getBoundingClientRect(), under = innerHeight - around.bottom;
    box.style.left = `${Math.max(4, Math.min(around.left, innerWidth - 320))}px`;
    box.style.minWidth = `${Math.max(around.width, 240)}px`;
    const isUp = under < 220 && around.top > under;
    box.style.top = isUp ? "auto" : `${around.bottom + 3}px`;
    box.style.bottom = isUp ? `${innerHeight - around.top + 3}px` : "auto";
    box.style.maxHeight = `${Math.min(340, (isUp ? around.top : under) - 12)}px`;
  };
  const open = async () => {
    if (isOpen) return;
    isOpen = true;
    box.showPopover();
    place();
    listening = new AbortController();
    addEventListener("scroll", (event) => { if (!box.contains(event.target)) place(); }, { capture: true, passive: true, signal: listening.signal });
    input.setAttribute("aria-expanded", "true");
    if (!rows) {
      note.textContent = "Loading …";
      try {
        rows = await load();
        failure = "";
        // The name of the value that is set is known now.
        if (!isFiltered && input.value) { set(input.value); if (document.activeElement === input) input.select(); }
      } catch (fault) {
        failure = `${fault.message}. A value can be typed.`;
      }
    }
    if (isOpen) draw();
  };
  const close = () => {
    if (!isOpen) return;
    isOpen = false;
    at = -1;
    listening.abort();
    if (box.isConnected) box.hidePopover();
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  // What stands in the input filters only after it was changed.
  let isFiltered = false;
  const draw = () => {
    const text = isFiltered ? input.value.trim().toLowerCase() : "";
    const all = rows?.rows ?? [];
    const rank = (row) => [row.label.toLowerCase().startsWith(text), row.label.toLowerCase().includes(text), true].indexOf(true);
    const found = text
      ? all.filter((row) => `${row.label} ${row.value} ${row.detail ?? ""}`.toLowerCase().includes(text)).sort((a, b) => rank(a) - rank(b))
      : all;
    shown = found.slice(0, MOST);
    if (at >= shown.length) at = -1;
    fill(options, shown.map((row, own) => el("div", { role: "option", id: `${list}-${own}`, class: "combo-row", "aria-selected": String(own === at),
      onpointerdown: (event) => { event.preventDefault(); choose(own); } },
    el("span", { dir: "auto" }, visible(row.label)), el("span", { class: "combo-detail" }, row.detail ?? (String(row.value) === row.label ? "" : visible(String(row.value)))))));
    note.textContent = failure || (!rows ? "Loading …" : [
      found.length > MOST && `${(found.length - MOST).toLocaleString("en")} more: type to narrow`,
      found.length === 0 && (strict ? "nothing fits" : text ? "not in the list; it is taken as it is typed" : "the list is empty"),
      rows.note].filter(Boolean).join("; "));
    if (at >= 0) {
      input.setAttribute("aria-activedescendant", `${list}-${at}`);
      options.children[at].scrollIntoView({ block: "nearest" });
    } else input.removeAttribute("aria-activedescendant");
  };
  const say = (row) => {
    chosen = row;
    input.value = row.label;
    suffix.textContent = String(row.value) === row.label ? "" : visible(String(row.value));
  };
  const choose = (own) => {
    const row = shown[own];
    isFiltered = false;
    close();
    if (clears) input.value = "";
    else say(row);
    take(row.value, row);
  };
  const leave = () => {
    close();
    if (!isFiltered) return;
    isFiltered = false;
    const text = input.value;
    const same = rows?.rows.find((row) => String(row.value) === text.trim() || row.label.toLowerCase() === text.trim().toLowerCase());
    if (clears) { input.value = ""; return; }
    if (text.trim() && same) { say(same); take(same.value, same); return; }
    if (strict) { chosen ? say(chosen) : (input.value = value); return; }
    chosen = null;
    suffix.textContent = "";
    take(text, null);
  };
  input.addEventListener("focus", () => { if (input.matches(":focus-visible") && input.value) input.select(); });
  input.addEventListener("click", open);
  input.addEventListener("blur", leave);
  input.addEventListener("input", () => {
    isFiltered = true;
    at = strict || clears ? 0 : -1;
    suffix.textContent = "";
    open().then(() => {
      if (!isOpen) return;
      draw();
      // The only one that fits is taken by Enter; another value by Tab.
      if (at < 0 && shown.length === 1 && input.value.trim()) { at = 0; draw(); }
    });
    // A typed value counts at once, so that the request is live.
    if (!strict && !clears) take(input.value, null);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen) return open();
      const by = event.key === "ArrowDown" ? 1 : -1;
      at = Math.max(-1, Math.min(shown.length - 1, at + by));
      draw();
    } else if (event.key === "Enter" && isOpen) {
      event.preventDefault();
      event.stopPropagation();
      if (at >= 0) choose(at);
      else leave();
    } else if (event.key === "Escape" && isOpen) {
      event.preventDefault();
      event.stopPropagation();
      close();
    }
    return undefined;
  });
  /** Shows a value: by its name, if the list is known. */
  const set = (own) => {
    rows ??= load.peek?.() ?? null;
    const row = rows?.rows.find((one) => String(one.value) === String(own));
    if (row) say(row);
    else { chosen = null; input.value = own ?? ""; suffix.textContent = ""; }
  };
  if (value !== "") set(value);
  return {
    node, input, set,
    forget: () => { rows = null; },
    focus: () => input.focus(),
  };
}
