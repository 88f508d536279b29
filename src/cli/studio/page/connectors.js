// The view of the connectors: the list, one connector, and the pages on which connectors are written (author.js, importer.js).
import { el, fill, calm, count, visible } from "./dom.js";
import { get, post } from "./api.js";
import { dialog } from "./dialog.js";
import { failure, prose } from "./failure.js";
import { operationList } from "./operationlist.js";
import { tested } from "./connectiontests.js";

const MOST = 5000;
const address = (...parts) => `#/connectors${parts.map((part) => `/${encodeURIComponent(part)}`).join("")}`;
/** `books.yaml`, or `templates/books.yaml`. */
const shortName = (path) => {
  const parts = path.split(/[\\/]/);
  return `${parts.at(-3) === "templates" ? "templates/" : ""}${parts.at(-1)}`;
};
const origin = (own) => el("span", { class: own ? "badge on" : "badge" }, own ? "yours" : "part of opnode");

function list(root, connectors) {
  const box = el("input", { type: "search", placeholder: "Find a connector", "aria-label": "Find a connector", autocomplete: "off",
    spellcheck: "false" });
  const cards = connectors.map((own) => [`${own.connector} ${own.title ?? ""} ${own.description ?? ""}`.toLowerCase(),
    el("li", { class: "card connector" },
    el("h3", {}, el("a", { href: address(own.connector), dir: "auto" }, visible(own.title ?? own.connector))),
    el("p", { class: "small", dir: "auto" }, visible(own.description ?? own.connector)),
    own.fault && el("p", { class: "fault" }, prose(typeof own.fault === "string" ? own.fault : own.fault.message)),
    el("p", { class: "badges" }, origin(own.own), el("span", { class: "badge" }, count(own.operations ?? 0, "operation"))))]);
  const shown = el("ul", { class: "connectors" });
  const none = el("p", { class: "small" }, "No connector has these words.");
  const filter = () => {
    const hits = cards.filter(([text]) => text.includes(box.value.trim().toLowerCase())).map(([, node]) => node);
    fill(shown, hits);
    none.hidden = hits.length > 0;
  };
  box.addEventListener("input", calm(filter, 50));
  filter();
  fill(root, el("div", { class: "setup-head" }, el("h2", { tabindex: -1 }, "Connectors"), el("div", { class: "bar" },
    el("a", { class: "button", href: address("~import") }, "Import a description"),
      el("a", { class: "button main", href: address("~write") }, "Write a connector"))),
  el("p", { class: "small" }, "A connector knows the address, the sign-in and the operations of a system."),
    connectors.length > 6 && el("div", { class: "bar" }, box), shown, none);
}

/** The operations of a connector, or how it gets the first. */
async function operationsOf(name) {
  const { hits } = await post("search", { text: "", connectors: [name], method: null, tag: null, limit: MOST });
  const operations = hits.filter((hit) => !hit.template);
  if (operations.length > 0) {
    return operationList(operations, "Operations",
      (hit) => `#/operations/${encodeURIComponent(name)}/${encodeURIComponent(hit.operation)}`);
  }
  return el("div", { class: "empty" }, el("p", {}, "It has no operations yet."),
    el("a", { class: "button main", href: address("~write", name) }, "Add an operation"));
}

function connectionsCard(name, connections) {
  return el("section", { class: "card" }, el("h3", {}, "Connections"),
    connections.length === 0 && el("p", { class: "small" }, "None yet; its operations run on the sandbox."),
    el("ul", { class: "links" }, connections.map((known) => el("li", {},
      el("a", { href: `#/connections/${encodeURIComponent(known.connection)}`, dir: "auto" }, visible(known.connection)), " ",
      tested(known.connection)))),
    el("a", { class: "button", href: `#/connections/~new/${encodeURIComponent(name)}` }, "New connection"));
}

function propertiesCard(properties) {
  const row = (property) => el("li", {}, visible(property.title ?? property.name), " ",
    property.secret && el("span", { class: "badge" }, "secret"), " ",
    (property.optional || property.default !== undefined) && el("span", { class: "small" }, "optional"));
  return el("section", { class: "card" }, el("h3", {}, "A connection says"), el("ul", { class: "links" }, properties.map(row)));
}

function filesCard(name, files) {
  return el("section", { class: "card" }, el("h3", {}, "Files"),
    files.length === 0 && el("p", { class: "small" }, "Its files are part of opnode."),
    el("ul", { class: "links files" }, files.map((file) => el("li", {},
      el("a", { href: address("~write", name, file.path), dir: "auto", title: file.path }, visible(shortName(file.path)))))));
}

async function one(root, name, context, isCurrent) {
  const [own, files] = await Promise.all([get(`connectors/${encodeURIComponent(name)}`).catch((fault) => ({ fault })),
    get(`definitions/${encodeURIComponent(name)}`).then((answer) => answer.files, () => [])]);
  if (own.fault && files.length === 0) throw own.fault;
  if (!isCurrent()) return;
  const connections = context.about.connections.filter((known) => known.connector === name);
  const isDocs = /^https?:\/\//i.test(own.docs ?? "");
  const operations = el("div", {}, el("p", { class: "waiting" }, "Loading …"));
  fill(root, el("a", { class: "back", href: "#/connectors" }, "All connectors"),
    el("div", { class: "setup-head" }, el("h2", { tabindex: -1, dir: "auto" }, visible(own.title ?? name)),
      origin(files.some((file) => file.own)),
      el("div", { class: "bar" }, el("a", { class: "button", href: address("~write", name) }, "Add an operation"))),
    el("p", { class: "small", dir: "auto" }, el("code", {}, visible(name)), own.description && ` · ${visible(own.description)}`,
      isDocs && [" · ", el("a", { href: own.docs, target: "_blank", rel: "noreferrer noopener" }, "Documentation of the API")]),
    own.fault && failure(own.fault, "The connector has a fault"),
    el("div", { class: "setup-two" },
      el("section", { "aria-labelledby": "operations-head" }, el("h3", { id: "operations-head" }, "Operations"), operations),
      el("aside", { "aria-label": "Connections and files" }, connectionsCard(name, connections),
        own.connection && propertiesCard(own.connection),
        filesCard(name, files))));
  operationsOf(name).then((node) => fill(operations, node), (fault) => fill(operations, failure(fault)));
}

export async function show(main, context) {
  const root = el("div", { class: "setup" });
  fill(main, root);
  let parts = context.parts ?? [], page = null, turn = 0;
  async function open(next) {
    page?.stop();
    page = null;
    parts = next;
    const own = (turn += 1);
    const isCurrent = () => own === turn;
    try {
      if (next[0] === "~write") {
        const { authorPage } = await import("./author.js");
        if (isCurrent()) page = await authorPage({ root, context, preset: next[1], path: next[2] });
      } else if (next[0] === "~import") {
        const { importPage } = await import("./importer.js");
        if (isCurrent()) page = importPage({ root, context });
      } else if (next.length > 0) {
        await one(root, next[0], context, isCurrent);
      } else {
        const { connectors } = await get("connectors");
        if (isCurrent()) list(root, connectors);
      }
    } catch (cause) {
      if (isCurrent()) fill(root, el("a", { class: "back", href: "#/connectors" }, "All connectors"),
        el("h2", { tabindex: -1 }, "Connectors"), failure(cause));
    }
    if (isCurrent()) root.querySelector("h2")?.focus({ preventScroll: true });
  }
  const leave = () => { turn += 1; page?.stop(); };
  /** A new address within the view; unsaved changes are asked for. */
  leave.route = async (next) => {
    if (page?.isDirty() && (await dialog("Leave without saving?", [el("p", {}, "The changes of the definition are not saved.")],
      [["Stay", "", "main"], ["Leave", "leave", ""]])) !== "leave") return history.replaceState(null, "", address(...parts));
    return open(next);
  };
  await open(parts);
  return leave;
}
