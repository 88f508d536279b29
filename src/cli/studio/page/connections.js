// The view of the connections: the list with the places of their secrets and the last tests; one connection is in connectionpage.js.
import { el, fill, tell, visible, count } from "./dom.js";
import { get } from "./api.js";
import { dialog } from "./dialog.js";
import { failure, prose } from "./failure.js";
import { connectionPage, NEW } from "./connectionpage.js";
import { address, test, tested, testResult } from "./connectiontests.js";

/** Where the values of a connection are kept: a badge for each that is no plain text, with a warning for an open secret. */
function kept(values, properties) {
  const isNeeded = new Map(properties.map((own) => [own.name, !own.optional && own.default === undefined]));
  const isShown = (name, value) => value.in === "missing" ? isNeeded.get(name) : value.in !== "default"
    && (value.in !== "file" || value.value === undefined);
  return Object.entries(values ?? {}).filter(([name, value]) => isShown(name, value)).map(([name, value]) => {
    const place = { secret_file: "file", file: "in the connections file" }[value.in] ?? value.in;
    const kind = value.in === "missing" || value.is_set === false ? "bad" : value.in === "file" ? "warn" : "";
    return el("span", { class: `badge ${kind}`, title: value.name, dir: "auto" },
      `${visible(name)}: ${place}${value.is_set === false ? ", not set" : ""}`);
  });
}

/** An entry of the list, and the test that its button runs. */
function listed(own, title, properties) {
  const state = el("span", { class: "test-state" }, tested(own.connection));
  const result = el("div", { class: "entry-result", role: "status" });
  const button = el("button", { type: "button", "aria-label": `Test ${own.connection}`, disabled: Boolean(own.fault) }, "Test");
  const run = async () => {
    if (button.disabled) return;
    button.disabled = true;
    fill(state, el("span", { class: "badge" }, "testing …"));
    const last = await test(own.connection);
    button.disabled = false;
    fill(state, tested(own.connection));
    fill(result, last.cause && testResult(own.connection));
    tell(`${own.connection}: ${last.cause ? last.cause.message : `works, ${last.ms} ms`}`);
  };
  button.addEventListener("click", run);
  const node = el("li", { class: "entry" },
    el("div", { class: "entry-name" }, el("a", { href: address(own.connection), dir: "auto" }, visible(own.connection)),
      el("span", { class: "small", dir: "auto" }, visible(title), own.account && ` · account ${visible(own.account)}`)),
    el("div", { class: "badges" }, kept(own.values, properties)), state, button,
    own.fault && el("p", { class: "fault" }, prose(typeof own.fault === "string" ? own.fault : own.fault.message)), result);
  return { node, run };
}

export async function show(main, context) {
  const root = el("div", { class: "setup" });
  fill(main, root);
  let parts = context.parts ?? [], page = null, turn = 0;
  const titles = () => new Map(context.about.connectors.map((own) => [own.connector, own.title ?? own.connector]));

  async function list({ file, connections, readable_by_others: isOpen }, isCurrent) {
    const add = el("a", { class: "button main", href: address(NEW) }, "New connection");
    if (connections.length === 0) {
      return fill(root, el("h2", { tabindex: -1 }, "Connections"), el("div", { class: "empty" },
        el("h3", {}, "There are no connections yet"),
        el("p", {}, "A connection says where a system is and how to sign in to it. Until you have one, everything runs on the sandbox."),
        add, el("p", { class: "small" }, "Connections are kept in ", el("code", {}, visible(file)), ".")));
    }
    const names = [...new Set(connections.filter((own) => !own.fault).map((own) => own.connector))];
    const types = new Map(await Promise.all(names.map((name) => get(`connectors/${encodeURIComponent(name)}`)
      .then((type) => [name, type.connection], () => [name, []]))));
    if (!isCurrent()) return undefined;
    const entries = connections.map((own) => listed(own, titles().get(own.connector) ?? own.connector, types.get(own.connector) ?? []));
    const all = el("button", { type: "button", onclick: () => entries.forEach((own) => own.run()) }, "Test all");
    return fill(root, el("div", { class: "setup-head" }, el("h2", { tabindex: -1 }, "Connections"),
      el("div", { class: "bar" }, connections.length > 1 && all, add)),
      el("p", { class: "small" }, `${count(connections.length, "connection")} in `, el("code", {}, visible(file)),
        ". A test calls the system once and changes nothing there."),
      isOpen && el("p", { class: "warning" }, "Other users of this computer can read the file."),
      el("ul", { class: "entries" }, entries.map((own) => own.node)));
  }

  async function open(next) {
    page?.stop();
    page = null;
    parts = next;
    const own = (turn += 1);
    try {
      const known = await get("connections");
      if (own !== turn) return;
      if (next.length === 0) await list(known, () => own === turn);
      else page = await connectionPage({ root, context, ...known, titles: titles(), name: next[0], preset: next[1],
        again: () => open(next) });
    } catch (cause) {
      if (own === turn) fill(root, el("h2", { tabindex: -1 }, "Connections"), failure(cause, "The connections cannot be read"));
    }
    if (own === turn) root.querySelector("h2")?.focus({ preventScroll: true });
  }
  const leave = () => { turn += 1; page?.stop(); };
  /** A new address within the view; unsaved changes are asked for. */
  leave.route = async (next) => {
    if (page?.isDirty() && next.join("/") !== parts.join("/")) {
      const here = parts.length ? address(...parts) : "#/connections";
      const answer = await dialog("Leave without saving?", [el("p", {}, "The changes of this connection are not saved.")],
        [["Stay", "", "main"], ["Leave", "leave", ""]]);
      if (answer !== "leave") return history.replaceState(null, "", here);
    }
    return open(next);
  };
  await open(parts);
  return leave;
}
