// Finds operations and templates: one box, facets, keyboard, a list that draws only what is visible.
import { el, fill, calm, count } from "./dom.js";
import { post } from "./api.js";
import { hitParts, address } from "./hits.js";
import { virtual } from "./virtual.js";

const RECENT = "opnode-recent";
const FIRST = 200;
const recent = () => { try { return JSON.parse(localStorage.getItem(RECENT)) ?? []; } catch { return []; } };
const keyOf = (hit) => JSON.stringify([hit.connector, hit.operation, hit.template ?? null]);

/** Keeps what was used, the last first. */
export function used(hit) {
  const others = recent().filter((own) => keyOf(own) !== keyOf(hit));
  try { localStorage.setItem(RECENT, JSON.stringify([hit, ...others].slice(0, 8))); } catch { /* no storage, no memory */ }
}

/** `go(hash)` opens a hit. Returns the node, `search(text)`, `focus()` and `stop()`. */
export function pick(about, go) {
  let asking = null, next = null, entries = [], at = -1, limit = FIRST, total = 0, isMore = false, isPending = false, isEntered = false;
  const titles = new Map(about.connectors.map((own) => [own.connector, own.title ?? own.connector]));
  const list = { id: "hits", role: "listbox", "aria-label": "Hits", tabindex: 0 };
  const space = el("div", { class: "space", role: "presentation" });
  const view = el("div", { ...list, class: "hits" }, space);
  const box = el("input", {
    type: "search", id: "search", placeholder: "What do you want to do?", "aria-label": "Search operations and templates", autocomplete: "off",
    spellcheck: "false", role: "combobox", "aria-expanded": "true", "aria-controls": "hits", "aria-autocomplete": "list",
  });
  const facet = (label, values) => el("select", { "aria-label": label, onchange: () => search() },
    el("option", { value: "" }, label), values.map(([value, text]) => el("option", { value }, text)));
  const connector = facet("Connector", [...titles]);
  const method = facet("Method", [["query", "Read"], ["mutate", "Write"], ["delete", "Delete"]]);
  const tag = facet("Tag", (about.tags ?? []).map((own) => [own, own]));
  const told = el("p", { class: "small hits-told", role: "status" }, "Searching …");
  const none = el("div", { class: "hits-none", hidden: true });

  const rows = virtual(view, space, {
    height: (entry) => (entry.label ? 34 : 76),
    near: (last) => { if (last > entries.length - 30 && !isMore && limit < total) { isMore = true; limit *= 4; search(true); } },
    draw: (entry, own) => {
      if (entry.label) return el("div", { class: "hits-label", role: "presentation" }, entry.label);
      return el("div", { class: "hit", role: "option", id: `hit-${own}`, "aria-selected": String(own === at), "aria-setsize": total, onclick: () => open(own) },
        hitParts(entry, titles));
    },
  });

  const search = async (stay = false) => {
    if (!stay) limit = FIRST;
    isPending = true;
    // One search at a time: the service goes on with one that nobody waits for, and what was typed meanwhile would wait for all of them.
    if (asking) { next = stay && next !== false; return; }
    const own = (asking = new AbortController());
    const text = box.value.trim();
    const request = { text, connectors: connector.value ? [connector.value] : [], method: method.value || null, limit };
    if (tag.value) request.tag = tag.value;
    try {
      const found = await post("search", request, own.signal);
      // What was found for an older text is not shown.
      if (next === false) return;
      isPending = false;
      show(found, text, stay);
      if (isEntered && entries.length > 0) { isEntered = false; if (at < 0) step(1); open(at); }
    } catch (fault) {
      if (fault.name !== "AbortError") told.textContent = fault.message;
    } finally {
      isMore = false;
      asking = null;
      const again = next;
      next = null;
      if (again !== null && !own.signal.aborted) search(again);
    }
  };

  const show = (found, text, stay) => {
    total = found.total;
    const isFiltered = connector.value || method.value || tag.value;
    const before = text || isFiltered ? [] : recent();
    entries = before.length > 0 ? [{ label: "Recently used" }, ...before, { label: "All" }, ...found.hits] : found.hits;
    if (!stay) at = -1;
    rows.set(entries, stay);
    const unknown = found.unknown.filter((own) => own.nearest.length === 0).map((own) => `Nothing has “${own.word}”.`);
    told.textContent = found.total === 0 ? "" : [count(found.total, "hit") + (text ? "" : isFiltered ? "" : ": templates first"), ...unknown].join(". ");
    const nearest = found.unknown.filter((own) => own.nearest.length > 0);
    none.hidden = found.total > 0 && nearest.length === 0;
    view.hidden = found.total === 0;
    fill(none,
      found.total === 0 && el("div", { class: "empty" }, el("h2", {}, "Nothing was found"),
        el("p", {}, text ? `No operation or template fits “${text}”${isFiltered ? " with these filters" : ""}.` : "No operation fits these filters."),
        el("p", {}, "Say what you want in a few words, such as “open tickets” or “members who left”."),
        isFiltered && el("button", { type: "button", onclick: () => { connector.value = method.value = tag.value = ""; search(); } }, "Clear the filters")),
      nearest.map((own) => el("p", { class: "nearest small" }, `Instead of “${own.word}”: `,
        own.nearest.map((word) => el("button", { type: "button", onclick: () => { box.value = box.value.replace(own.word, word); if (!box.value.includes(word)) box.value = word; box.focus(); search(); } }, word)))));
    if (!stay && text && entries.length > 0) choose(0);
    else mark();
  };

  const mark = () => {
    for (const node of space.querySelectorAll("[aria-selected=true]")) node.setAttribute("aria-selected", "false");
    const node = at >= 0 ? rows.node(at) : null;
    node?.setAttribute("aria-selected", "true");
    for (const owner of [box, view]) node ? owner.setAttribute("aria-activedescendant", node.id) : owner.removeAttribute("aria-activedescendant");
  };
  const choose = (next) => { at = next; rows.reveal(at); mark(); };
  const step = (by) => {
    let next = at + by;
    while (entries[next]?.label) next += by;
    if (entries[next]) choose(next);
  };
  const open = (own) => { at = own; mark(); go(address(entries[own])); };
  const keys = (event) => {
    if (event.key === "ArrowDown") step(1);
    else if (event.key === "ArrowUp") step(-1);
    else if (event.key === "PageDown") step(8);
    else if (event.key === "PageUp") step(-8);
    else if (event.key === "Enter" && isPending) isEntered = true;
    else if (event.key === "Enter" && entries.length > 0) { if (at < 0) step(1); open(at); }
    else if (event.key === "Escape" && box.value) { box.value = ""; search(); }
    else return;
    event.preventDefault();
  };
  box.addEventListener("keydown", keys);
  view.addEventListener("keydown", keys);
  const soon = calm(() => search(), 60);
  box.addEventListener("input", () => { isPending = true; isEntered = false; soon(); });
  const slash = (event) => {
    if (event.key !== "/" || event.target.closest("input, textarea, select, dialog")) return;
    event.preventDefault();
    document.getElementById("main").classList.remove("is-open");
    box.focus();
    box.select();
  };
  document.addEventListener("keydown", slash);
  const node = el("nav", { class: "pick", "aria-label": "Operations and templates" },
    el("div", { class: "pick-head" }, el("div", { class: "search" }, box, el("kbd", { "aria-hidden": "true" }, "/")),
      el("div", { class: "facets" }, connector, method, about.tags?.length > 0 && tag), told), none, view);
  search();
  return {
    node,
    search: (text) => { box.value = text; search(); },
    focus: () => box.focus(),
    stop: () => { document.removeEventListener("keydown", slash); rows.stop(); asking?.abort(); },
  };
}
