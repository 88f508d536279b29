// A list of operations with a search; thousands of them are drawn only as far as they can be seen.
import { el, fill, calm, count, visible } from "./dom.js";
import { longList } from "./longlist.js";

const METHODS = { query: "read", mutate: "write", delete: "delete" };
/** The words of an operation that are searched. */
const words = (own) => `${own.operation} ${own.title ?? ""} ${own.request ?? ""} ${METHODS[own.method] ?? ""}`.toLowerCase();

/** `link(operation)` is the address of an operation, nothing if it has none. */
export function operationList(operations, label, link) {
  const all = operations.map((own) => [words(own), own]);
  const box = el("input", { type: "search", placeholder: "Find an operation", "aria-label": `Find in: ${label}`, autocomplete: "off",
    spellcheck: "false" });
  const found = el("p", { class: "small", role: "status" });
  const none = el("p", { class: "small none" }, "No operation has these words.");
  const list = longList({ height: 46, label, className: "operations", draw: (own) => el("div", {},
    el("span", { class: `badge ${own.method === "query" ? "" : "warn"}` }, METHODS[own.method] ?? own.method),
    el("span", { class: "operation-name" },
      link ? el("a", { href: link(own), dir: "auto" }, visible(own.title ?? own.operation))
        : el("span", { dir: "auto" }, visible(own.title ?? own.operation)),
      el("span", { class: "small", title: own.operation }, visible(own.operation))),
    own.request && el("code", { title: own.request }, visible(own.request))) });
  const filter = () => {
    const asked = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    const hits = asked.length ? all.filter(([text]) => asked.every((word) => text.includes(word))) : all;
    fill(found, asked.length ? `${hits.length.toLocaleString("en")} of ${count(all.length, "operation")}` : count(all.length, "operation"));
    list.node.hidden = hits.length === 0;
    none.hidden = hits.length > 0;
    list.node.style.height = `${Math.min(hits.length * 46, 460) + 2}px`;
    list.set(hits.map(([, own]) => own));
  };
  box.addEventListener("input", calm(filter, 60));
  filter();
  return el("div", { class: "operation-list" }, el("div", { class: "bar" }, box, found), list.node, none);
}
