// Finds operations and templates: one box, facets, keyboard.
import { el, fill, calm, count } from "./dom.js";
import { post } from "./api.js";

const RECENT = "opnode-recent";
const recent = () => { try { return JSON.parse(localStorage.getItem(RECENT)) ?? []; } catch { return []; } };

/** Keeps what was used, the last first. */
export function used(hit) {
  const key = JSON.stringify([hit.connector, hit.operation, hit.template]);
  const others = recent().filter((own) => JSON.stringify([own.connector, own.operation, own.template]) !== key);
  localStorage.setItem(RECENT, JSON.stringify([hit, ...others].slice(0, 8)));
}

/** Why a hit was found: words and places. */
const reason = (hit) => (hit.why ?? []).map((why) => `${why.in}${why.name ? ` ${why.name}` : ""}: ${why.word}${why.word === why.found ? "" : ` ~ ${why.found}`}`).join("; ");

export function pick(pane, about, choose) {
  let asking;
  const box = el("input", { type: "search", id: "search", placeholder: "What do you want to do?", "aria-label": "Search operations and templates", autocomplete: "off", spellcheck: "false" });
  const connector = el("select", { "aria-label": "Connector" }, el("option", { value: "" }, "All systems"), about.connectors.map((own) => el("option", { value: own.connector }, own.title ?? own.connector)));
  const method = el("select", { "aria-label": "Method" }, [["", "All methods"], ["query", "Read"], ["mutate", "Write"], ["delete", "Delete"]].map(([value, text]) => el("option", { value }, text)));
  const list = el("ul", { class: "hits", role: "list" });
  const told = el("p", { class: "small", role: "status" });
  const search = async () => {
    asking?.abort();
    asking = new AbortController();
    const request = { text: box.value, connectors: connector.value ? [connector.value] : [], method: method.value || null, limit: 60 };
    try {
      const found = await post("search", request, asking.signal);
      const hits = box.value.trim() ? found.hits : [...recent(), ...found.hits];
      fill(list, hits.map(row));
      const unknown = found.unknown.map((own) => `nothing has “${own.word}”${own.nearest.length ? `; do you mean ${own.nearest.join(", ")}?` : ""}`);
      told.textContent = [found.total > found.hits.length ? `${count(found.total, "hit")}, the best ${found.hits.length} shown` : count(found.total, "hit"), ...unknown].join("; ");
    } catch (fault) {
      if (fault.name !== "AbortError") told.textContent = fault.message;
    }
  };
  const row = (hit) => el("li", {}, el("button", { type: "button", onclick: () => choose(hit) },
    el("span", { class: `method ${hit.method}` }, { query: "read", mutate: "write", delete: "delete" }[hit.method]),
    el("strong", {}, hit.title), el("span", { class: "id" }, hit.template ?? hit.operation, " · ", hit.connector),
    reason(hit) && el("span", { class: "why" }, reason(hit))));
  const move = (event) => {
    const rows = [...list.querySelectorAll("button")];
    const at = rows.indexOf(document.activeElement);
    if (event.key === "ArrowDown") (rows[at + 1] ?? rows[0])?.focus();
    else if (event.key === "ArrowUp") (at > 0 ? rows[at - 1] : box).focus();
    else if (event.key === "Enter" && document.activeElement === box) rows[0]?.click();
    else return;
    event.preventDefault();
  };
  const soon = calm(search, 40);
  box.addEventListener("input", soon);
  connector.addEventListener("change", search);
  method.addEventListener("change", search);
  pane.addEventListener("keydown", move);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)) { event.preventDefault(); box.focus(); }
  });
  fill(pane, box, el("div", { class: "facets" }, connector, method), told, list);
  search();
  box.focus();
}
