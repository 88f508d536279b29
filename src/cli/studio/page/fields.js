// One field of a form: absent, empty and null are three states. What the form cannot say is shown as JSON, and kept.
import { el } from "./dom.js";

let last = 0;
const types = (schema) => [schema?.type ?? []].flat();
const kindOf = (schema) => {
  if (Array.isArray(schema?.enum)) return "choice";
  const own = types(schema).filter((type) => type !== "null");
  if (own.length !== 1) return "json";
  if (own[0] === "string") return { date: "date", "date-time": "time" }[schema.format] ?? "text";
  return { integer: "number", number: "number", boolean: "flag" }[own[0]] ?? "json";
};

/**
 * A field. `take(value)` gets its value, as JSON text so that numbers keep their digits, or undefined when it is absent.
 * Returns the node, and `faults(list)`, which shows what is wrong with it.
 */
export function field({ name, schema, required, secret, value }, take) {
  const id = `field-${(last += 1)}`;
  const kind = kindOf(schema);
  const told = el("p", { class: "fault", id: `${id}-fault` });
  const about = { id, "aria-describedby": `${id}-about ${id}-fault`, "aria-required": required ? "true" : null };
  let input;
  const give = () => {
    let text = input.value;
    if (kind === "choice" || kind === "flag") return take(text === "" ? undefined : text);
    if (text === "" && !isSet.checked) return take(undefined);
    isSet.checked = true;
    if (kind === "number") return take(text.trim() === "" ? "null" : /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text.trim()) ? text.trim() : JSON.stringify(text));
    if (kind === "json") {
      try { JSON.parse(text); faults([]); return take(text); } catch (cause) { faults([{ message: `this is no JSON: ${cause.message}` }]); return undefined; }
    }
    if (kind === "time" && text) text = new Date(text).toISOString();
    return take(JSON.stringify(text));
  };
  const isSet = el("input", { type: "checkbox", "aria-label": `Send ${name}`, title: "Whether it is sent: a field can be absent, or sent empty", checked: value !== undefined || required === true });
  isSet.addEventListener("change", () => (isSet.checked ? give() : (input.value = "", take(undefined))));
  if (kind === "choice") {
    input = el("select", about, el("option", { value: "" }, "—"), schema.enum.map((own) => el("option", { value: JSON.stringify(own) }, String(own))));
    if (value !== undefined) input.value = value;
  } else if (kind === "flag") {
    input = el("select", about, ["", "true", "false"].map((own) => el("option", { value: own }, own || "—")));
    if (value !== undefined) input.value = value;
  } else if (kind === "json") {
    input = el("textarea", { ...about, rows: 3, spellcheck: "false" });
    input.value = value ?? "";
  } else {
    const type = secret ? "password" : { date: "date", time: "datetime-local" }[kind] ?? "text";
    input = el("input", { ...about, type, inputmode: kind === "number" ? "decimal" : null, autocomplete: "off", spellcheck: "false" });
    const plain = value === undefined ? "" : kind === "number" ? value : JSON.parse(value);
    input.value = kind === "time" && plain ? new Date(plain).toISOString().slice(0, 16) : plain ?? "";
  }
  input.addEventListener(kind === "choice" || kind === "flag" ? "change" : "input", give);
  const faults = (list) => {
    told.textContent = list.map((fault) => fault.message).join("; ");
    input.setAttribute("aria-invalid", list.length > 0);
  };
  const node = el("div", { class: "field" },
    el("label", { for: id }, name, required && el("span", { class: "required", title: "required" }, " *")),
    el("div", { class: "value" }, kind !== "choice" && kind !== "flag" && isSet, input),
    el("p", { class: "about", id: `${id}-about` }, schema?.description ?? ""), told);
  return { node, faults, focus: () => input.focus() };
}
