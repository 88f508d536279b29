// The inputs of a batch as a form. Values are texts, as for --input NAME=VALUE; those that are left empty keep their defaults.
import { el, fill, visible } from "./dom.js";
import { prose } from "./failure.js";

const remembered = (name) => {
  try {
    return JSON.parse(sessionStorage.getItem(name)) ?? {};
  } catch {
    return {};
  }
};
/** A default or a choice is JSON text; a text is shown without its quotes, as --input takes it. */
const plain = (text) => {
  if (text === undefined || text === null) return "";
  try {
    const value = JSON.parse(text);
    return typeof value === "string" ? value : text;
  } catch {
    return String(text);
  }
};

/** `name` is where the values are kept while the page is open. Returns the node, `set(inputs)`, `values()` and `faults(error)`. */
export function inputForm(name, change) {
  const given = remembered(name);
  const fields = new Map();
  const node = el("div", { class: "inputs" });
  let shown = "";
  const take = (input, value) => {
    value === "" ? delete given[input] : (given[input] = value);
    try {
      sessionStorage.setItem(name, JSON.stringify(given));
    } catch {
      /* Kept in this page only. */
    }
    change();
  };
  const control = (own, id) => {
    const about = { id, "aria-describedby": `${id}-about ${id}-fault` };
    const usual = plain(own.default);
    const choices = own.choices?.length > 0 ? own.choices.map(plain) : own.kind === "boolean" ? ["true", "false"] : null;
    if (choices) {
      const select = el(
        "select",
        about,
        el("option", { value: "" }, usual ? `${usual} (default)` : "—"),
        choices.filter((choice) => choice !== usual).map((choice) => el("option", { value: choice }, visible(choice))),
      );
      select.value = given[own.name] ?? "";
      select.addEventListener("change", () => take(own.name, select.value));
      return select;
    }
    const input =
      own.kind === "json"
        ? el("textarea", { ...about, rows: 2, spellcheck: "false" })
        : el("input", {
            ...about,
            type: own.kind === "date" ? "date" : "text",
            inputmode: ["integer", "number"].includes(own.kind) ? "decimal" : null,
            autocomplete: "off",
            spellcheck: "false",
            placeholder: usual || (own.kind === "time" ? "2026-01-31T12:00:00Z" : null),
          });
    input.value = given[own.name] ?? "";
    input.addEventListener("input", () => take(own.name, input.value));
    return input;
  };
  return {
    node,
    set: (inputs) => {
      const text = JSON.stringify(inputs);
      if (text === shown) return;
      shown = text;
      fields.clear();
      fill(
        node,
        inputs.map((own) => {
          const id = `input-${own.name}`,
            told = el("p", { class: "fault", id: `${id}-fault` });
          const isNeeded = own.default === undefined || own.default === null;
          const input = control(own, id);
          if (isNeeded) input.setAttribute("aria-required", "true");
          fields.set(own.name, { input, told, isNeeded });
          return el(
            "div",
            { class: "field" },
            el(
              "label",
              { for: id },
              el("bdi", {}, visible(own.name)),
              isNeeded && el("span", { class: "required", title: "required" }, " *"),
            ),
            el("div", { class: "value" }, input),
            el(
              "p",
              { class: "about", id: `${id}-about` },
              [own.title, own.kind && own.kind !== "text" && own.kind].filter(Boolean).join(" · "),
            ),
            told,
          );
        }),
      );
    },
    values: () => Object.fromEntries([...fields.keys()].filter((input) => given[input]).map((input) => [input, given[input]])),
    /** Shows what is wrong with the values, and gives whether an input was named. */
    faults: (error) => {
      let isNamed = false;
      const all = error ? [error, ...(error.faults ?? [])] : [];
      for (const [input, { input: box, told }] of fields) {
        const own = all.find(
          (fault) => fault.field === `/inputs/${input}` || new RegExp(`input \`?${input}\`?\\b`).test(fault.message ?? ""),
        );
        fill(told, own && prose(own.message.replace(/^the inputs do not fit: /, "")));
        box.setAttribute("aria-invalid", String(Boolean(own)));
        isNamed ||= Boolean(own);
      }
      return isNamed;
    },
  };
}
