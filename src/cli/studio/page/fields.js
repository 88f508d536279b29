// One field of a form: absent, empty and null are three states. What the form cannot say is shown as JSON, and kept.
import { el, visible } from "./dom.js";
import { combo } from "./combo.js";
import { exact } from "./json.js";
import { asText, hint, kindFor, limits, takesNull, typed } from "./schema.js";

let last = 0;
const LONG = /body|text|descr|note|comment|condition|message|query|filter/i;

/** The control of a kind; `give(value)` gets what was typed. */
function control(kind, { name, schema, secret, value, load, attributes }, give) {
  const hinted = hint(schema);
  if (kind === "choice" || kind === "flag") {
    const choices = kind === "flag" ? [true, false] : schema.enum.filter((own) => own !== null);
    const select = el("select", attributes, el("option", { value: "" }, "—"), choices.map((own) => el("option", { value: JSON.stringify(own) }, kind === "flag" ? (own ? "yes (true)" : "no (false)") : String(own))));
    select.addEventListener("change", () => give(select.value === "" ? undefined : exact(select.value)));
    return { node: select, focus: () => select.focus(), input: select, set: (own) => { select.value = own === undefined || own === null ? "" : JSON.stringify(own); } };
  }
  if (load) {
    const own = combo({ label: name, id: attributes.id, placeholder: hinted || "Choose, or type a value", load, describedby: attributes["aria-describedby"],
      take: (text, row) => give(row ? row.exact : typed(kind, String(text), schema)) });
    return { node: own.node, focus: own.focus, input: own.input, set: (one) => own.set(asText(kind, one)), forget: own.forget };
  }
  const isLong = kind === "json" || (kind === "text" && !secret && (LONG.test(name) || String(value ?? "").length > 60 || /\n/.test(value ?? "")));
  const type = secret ? "password" : { date: "date", time: "datetime-local" }[kind] ?? "text";
  const input = isLong
    ? el("textarea", { ...attributes, rows: kind === "json" ? 2 : 1, class: kind === "json" ? "grow" : "grow prose", placeholder: hinted, spellcheck: "false", dir: "auto" })
    : el("input", { ...attributes, type, step: kind === "time" ? "1" : null, placeholder: hinted, inputmode: kind === "number" ? "decimal" : null, autocomplete: "off", spellcheck: "false", dir: "auto" });
  input.addEventListener("input", () => {
    if (kind === "json" && input.value.trim()) {
      try { exact(input.value); } catch (cause) { return give(undefined, `this is no JSON: ${cause.message}`); }
    }
    return give(typed(kind, input.value, schema));
  });
  return { node: input, focus: () => input.focus(), input, set: (own) => { input.value = asText(kind, own); } };
}

/**
 * A field. `take(value)` gets its value, or undefined when it is absent; `take(undefined, fault)` when it cannot be read.
 * Returns the node, `faults(list)`, `focus()` and `set(value)`.
 */
export function field({ name, schema, required, secret, value, asked, load, inner }, take) {
  const id = `field-${(last += 1)}`;
  const kind = kindFor(schema, value);
  const told = el("p", { class: "fault", id: `${id}-fault` });
  const attributes = { id, "aria-describedby": `${id}-about ${id}-fault`, "aria-required": required ? "true" : null };
  const give = (own, fault) => {
    value = own;
    faults(fault ? [{ message: fault }] : []);
    show();
    take(own, fault);
  };
  const made = inner ? inner({ id, value, give, attributes }) : control(kind, { name, schema, secret, value, load, attributes }, give);
  // The state that the control alone cannot say.
  const state = el("select", { class: "state", "aria-label": `What is sent for ${name}` },
    el("option", { value: "value" }, "sent"), kind === "text" && el("option", { value: "empty" }, "empty text"),
    (takesNull(schema) || value === null) && el("option", { value: "null" }, "null"), el("option", { value: "absent" }, "not sent"));
  const clear = el("button", { type: "button", class: "quiet clear", "aria-label": `Clear ${name}`, title: "Clear: it is not sent" }, "×");
  const show = () => {
    state.value = value === undefined ? "absent" : value === null ? "null" : value === "" ? "empty" : "value";
    if (state.value === "") state.value = "value";
    clear.hidden = value === undefined;
    node.classList.toggle("is-absent", value === undefined);
  };
  const set = (own) => { made.set(own); give(own); };
  clear.addEventListener("click", () => { set(undefined); made.focus(); });
  state.addEventListener("change", () => {
    if (state.value === "value") { made.focus(); show(); }
    else set({ empty: "", null: null, absent: undefined }[state.value]);
  });
  const faults = (list) => {
    told.textContent = [...new Set(list.map((fault) => visible(fault.message)))].join("; ");
    made.input?.setAttribute("aria-invalid", String(list.length > 0));
  };
  const more = [kind === "time" && "Time in UTC", kind === "json" && !inner && "JSON", limits(schema)].filter(Boolean).join("; ");
  const node = el("div", { class: "field" },
    el("div", { class: "label" }, el("label", { for: id }, visible(name), required && el("span", { class: "required", "aria-hidden": "true" }, " *")),
      asked && el("span", { class: "badge on" }, "fill in"), el("span", { class: "states" }, state, clear)),
    el("div", { class: "value" }, made.node),
    el("p", { class: "about", id: `${id}-about` }, [visible(schema?.description ?? ""), more].filter(Boolean).join(". ")), told);
  if (!inner && value !== undefined) made.set(value);
  show();
  return { node, faults, focus: () => made.focus(), set, forget: made.forget };
}
