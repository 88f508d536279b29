// The form of a connection: name, connector, account, the properties of the connector, and where each of them is kept.
import { el, fill, tell, visible } from "./dom.js";
import { get, post } from "./api.js";
import { failure, prose } from "./failure.js";
import { valueField } from "./valuefield.js";

let last = 0;

/** A text field with a label, an explanation and faults. */
export function textField({ title, about, optional, value = "", placeholder }, changed) {
  const id = `text-${(last += 1)}`;
  const told = el("p", { class: "fault", id: `${id}-fault` });
  const input = el("input", { id, type: "text", autocomplete: "off", spellcheck: "false", dir: "auto", placeholder,
    "aria-describedby": `${id}-about ${id}-fault`, "aria-required": optional ? null : "true" });
  input.value = value;
  const faults = (list) => {
    fill(told, list.map((fault) => prose(fault.message)).flat());
    input.setAttribute("aria-invalid", list.length > 0);
  };
  input.addEventListener("input", () => { faults([]); changed?.(); });
  const node = el("div", { class: "field" }, el("label", { for: id }, title, optional && el("span", { class: "optional" }, " optional")),
    about && el("p", { class: "about", id: `${id}-about` }, prose(about)), el("div", { class: "value" }, input), told);
  return { node, input, faults, focus: () => input.focus(), value: () => input.value.trim() };
}

/** A name that no connection has. */
function freeName(wanted, names) {
  let at = 1;
  while (names.includes(at === 1 ? wanted : `${wanted}-${at}`)) at += 1;
  return at === 1 ? wanted : `${wanted}-${at}`;
}

/**
 * The form. `known` is the connection as the service has it, or null for a new one; `given` are the names of all connections.
 * `edited(isDirty)` is called when that changes. `buttons` are below the fields. Returns the node, `save()`, `isDirty()`.
 */
export async function connectionForm({ known, connector, given, file, buttons, edited }) {
  const type = await get(`connectors/${encodeURIComponent(connector)}`);
  const states = known?.values ?? {};
  let isDirty = false;
  const dirty = (now) => {
    if (now === isDirty) return;
    isDirty = now;
    edited?.(now);
  };
  const changed = () => { dirty(true); fill(told); };
  const name = textField({ title: "Name", value: known?.connection ?? freeName(connector, given),
    about: known ? "Batch files name the connection by it: change them, too, when you rename it."
      : "You and your batch files call the connection by it." }, changed);
  const hasAccount = type.account || known?.account;
  const account = hasAccount && textField({ title: "Account", value: known?.account ?? "", optional: !type.account, placeholder: "main",
    about: "A name that you choose. The system's tokens are kept under it; connections with the same account share them, "
      + "and the rate limit." }, changed);
  const fields = new Map(type.connection.map((property) =>
    [property.name, valueField({ property, state: states[property.name], connector: known?.connection ?? connector, file }, changed)]));
  const isMain = (property) => (!property.optional && property.default === undefined) || fields.get(property.name).isSet();
  const others = type.connection.filter((property) => !isMain(property));
  const more = el("details", { class: "more" },
    el("summary", {}, `More: ${others.map((own) => own.title ?? own.name).slice(0, 4).join(", ")}`
    + `${others.length > 4 ? " …" : ""}`), el("div", { class: "fields" }, others.map((property) => fields.get(property.name).node)));
  const told = el("div", { role: "status" });

  const show = (cause) => {
    const left = [];
    let first = null;
    const only = () => ({ ...cause.error?.place, ...cause.error, message: cause.message.replace(/^the connection is not right: /, "") });
    const all = cause.error?.faults?.length ? cause.error.faults : [only()];
    const lists = new Map();
    for (const fault of all) {
      const [, group, key] = (fault.field ?? "").split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
      const own = group === "values" ? fields.get(key) : { connection: name, account }[group];
      if (!own) left.push(fault);
      else lists.set(own, [...(lists.get(own) ?? []), fault]);
    }
    for (const [own, list] of lists) {
      own.faults(list);
      if (more.contains(own.node)) more.open = true;
      first ??= own;
    }
    fill(told, left.length > 0 && failure(left.length === all.length ? cause : { error: { message: left[0].message, faults: left } },
      "It was not saved"));
    first?.focus();
  };
  const missing = () => {
    let first = null;
    const need = (own, message) => {
      own.faults([{ message }]);
      first ??= own;
    };
    if (!name.value()) need(name, "the connection needs a name");
    else if (name.value() !== known?.connection && given.includes(name.value())) need(name, "another connection has this name");
    if (type.account && !account.value()) need(account, "the tokens of this system are kept under an account: choose a name");
    for (const property of type.connection) {
      const own = fields.get(property.name);
      if (!property.optional && property.default === undefined && own.value() === undefined) need(own, `${own.title} is required`);
    }
    if (first) { if (more.contains(first.node)) more.open = true; first.focus(); }
    return first !== null;
  };
  /** Saves; returns the name, or null if it was not saved. */
  const save = async () => {
    fill(told);
    if (missing()) return null;
    const values = Object.fromEntries([...fields].map(([key, own]) => [key, own.value()]).filter(([, value]) => value !== undefined));
    try {
      await post("connections/save", { connection: name.value(), before: known?.connection ?? null, connector,
        account: account ? account.value() || null : null, values });
    } catch (cause) {
      show(cause);
      return null;
    }
    dirty(false);
    tell(`${name.value()} is saved`);
    return name.value();
  };
  const node = el("form", { class: "connection-form", onsubmit: (event) => event.preventDefault() },
    name.node, account && account.node, type.connection.filter(isMain).map((property) => fields.get(property.name).node),
    others.length > 0 && more, told, el("div", { class: "bar" }, buttons),
    file && el("p", { class: "small" }, "Saved to ", el("code", {}, visible(file)), "."));
  return { node, type, save, isDirty: () => isDirty, focus: name.focus };
}
