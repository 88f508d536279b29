// One property of a connection: its value, and where it is kept. A stored secret never comes back; it is kept or replaced.
import { el, fill, visible } from "./dom.js";
import { prose } from "./failure.js";

let last = 0;
const SECRET_PLACES = [["keyring", "Keyring"], ["variable", "Variable"], ["secret_file", "File"], ["file", "Connections file"]];
const TEXT_PLACES = [["file", "Text"], ["variable", "Variable"], ["secret_file", "File"]];
const NOTES = {
  keyring: "The keyring of the system keeps it. The connections file has only its name.",
  variable: "Name of an environment variable. opnode studio must be started with it.",
  secret_file: "Path of a file that holds the value, absolute or from the folder of the connections file.",
};
/** Where a stored value is, in words. */
const KEPT = { keyring: "in the keyring", variable: "in a variable", secret_file: "in a file", file: "in the connections file" };

/** `apiKey` of `acme-desk` is proposed as ACME_DESK_API_KEY. */
const variableName = (connector, property) =>
  `${connector}_${property.replace(/([a-z\d])([A-Z])/g, "$1_$2")}`.replace(/[^A-Za-z\d]+/g, "_").toUpperCase();

/**
 * A field of a property. `state` is what the service says of it, nothing for a new connection; `changed()` is called after each edit.
 * Returns the node, `value()` to be saved (undefined: none), `faults(list)`, `focus()`, `isSet()`.
 */
export function valueField({ property, state, connector, file }, changed) {
  const id = `value-${(last += 1)}`;
  const title = property.title ?? property.name;
  const isOptional = property.optional || property.default !== undefined;
  const isStored = state !== undefined && !["default", "missing"].includes(state.in);
  const before = isStored ? state.in : property.secret ? "keyring" : "file";
  const typed = { file: (isStored && state.value) || "", keyring: "", variable: "", secret_file: "" };
  if (isStored && (before === "variable" || before === "secret_file")) typed[before] = state.name ?? "";
  let place = before, isReplaced = !isStored, isRemoved = false, input = null, isTouched = false;
  const told = el("p", { class: "fault", id: `${id}-fault` });
  const note = el("p", { class: "about", id: `${id}-note` });
  const value = el("div", { class: `value kept-value${property.secret ? " secret" : ""}` });
  const places = el("select", { "aria-label": `Where ${title} is kept`, class: "place" },
    (property.secret ? SECRET_PLACES : TEXT_PLACES).map(([own, text]) => el("option", { value: own }, text)));
  places.value = place;
  const isSecretText = () => property.secret && (place === "keyring" || place === "file");
  const isKept = () => isStored && !isReplaced && !isRemoved && place === before && (isSecretText() || !isTouched);
  const edited = () => { isTouched = true; faults([]); changed(); };

  const textInput = () => {
    const attributes = { id, "aria-describedby": `${id}-about ${id}-note ${id}-fault`, "aria-required": isOptional ? null : "true" };
    if (place === "file" && !property.secret && property.choices?.length) {
      const own = el("select", attributes, el("option", { value: "" }, property.default ? `${property.default} (default)` : "–"),
        property.choices.map((choice) => el("option", { value: String(choice) }, String(choice))));
      own.value = typed.file;
      own.addEventListener("change", () => { typed.file = own.value; edited(); });
      return own;
    }
    const hints = { file: property.default ?? property.examples?.[0], keyring: "", variable: variableName(connector, property.name),
      secret_file: "secrets/key.txt" };
    const own = el("input", { ...attributes, type: isSecretText() ? "password" : "text",
      autocomplete: isSecretText() ? "new-password" : "off",
      spellcheck: "false", dir: "auto", placeholder: String(hints[place] ?? "") });
    own.value = typed[place];
    own.addEventListener("input", () => { typed[place] = own.value; edited(); });
    return own;
  };
  const button = (text, label, work) => el("button", { type: "button", class: "quiet", "aria-label": label, onclick: work }, text);
  const draw = () => {
    input = null;
    if (isKept() && isSecretText()) {
      const replace = button("Replace", `Replace ${title}`, () => { isReplaced = true; draw(); input.focus(); edited(); });
      fill(value, el("output", { class: "kept", id }, `kept ${KEPT[place]}`), replace,
        isOptional && button("Remove", `Remove ${title}`,
          () => { isRemoved = true; isReplaced = true; draw(); input.focus(); edited(); }), places);
    } else {
      input = textInput();
      const show = isSecretText() && button("Show", `Show ${title}`, () => {
        input.type = input.type === "password" ? "text" : "password";
        show.textContent = input.type === "password" ? "Show" : "Hide";
      });
      const keep = isStored && place === before && isSecretText()
        && button("Keep", `Keep the stored ${title}`, () => { isReplaced = isRemoved = false; typed[place] = ""; draw(); edited(); });
      fill(value, input, show, keep, places);
    }
    const isSetNote = isStored && place === before && state.is_set !== undefined && state.is_set !== null
      && el("span", { class: state.is_set ? "badge good" : "badge bad" }, state.is_set ? "is set" : "is not set");
    const risk = property.secret && place === "file"
      && el("span", { class: "warning" },
        prose(`Everybody who can read ${file ?? "the connections file"} can read this secret. The keyring or a variable is safer.`));
    fill(note, isSetNote, isSetNote && " ", risk || (place === "file" ? "" : NOTES[place]));
  };
  places.addEventListener("change", () => {
    const pasted = isSecretText() ? typed[place] : null;
    place = places.value;
    // A pasted secret goes along to another place that keeps it; it never becomes the name of a variable or a file.
    if (pasted !== null && isSecretText()) typed[place] = pasted;
    if (place === "variable" && !typed.variable) typed.variable = variableName(connector, property.name);
    draw();
    edited();
  });
  const faults = (list) => {
    fill(told, list.map((fault) => prose(`${fault.message}${fault.advice ? ` – ${fault.advice}` : ""}`)).flat());
    (input ?? places).setAttribute("aria-invalid", list.length > 0);
  };
  draw();
  const node = el("div", { class: "field" },
    el("label", { for: id }, visible(title), isOptional ? el("span", { class: "optional" }, " optional") : null),
    property.description && el("p", { class: "about", id: `${id}-about` }, prose(property.description)), value, note, told);
  return {
    node, faults,
    focus: () => (input ?? places).focus(),
    isSet: () => isStored,
    title,
    value: () => {
      if (isKept()) return { keep: true };
      const text = typed[place];
      if (text === "") return undefined;
      if (place === "variable") return { variable: text.trim() };
      if (place === "secret_file") return { file: text.trim() };
      return property.secret ? { secret: text, in: place } : { value: text };
    },
  };
}
