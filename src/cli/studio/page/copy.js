// The dialog that copies a call in another form.
import { el, fill, tell } from "./dom.js";
import { postText } from "./api.js";
import { dialog } from "./dialog.js";

const FORMS = [["batch", "Batch step"], ["command", "Command"], ["curl", "curl"], ["python", "Python"], ["csharp", "C#"], ["c", "C"], ["template", "Template"], ["request", "JSON"]];
let chosen = "batch";

/** Copies a text, and says so on the button. */
export async function copyText(text, button, field) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    field?.select();
    document.execCommand("copy");
  }
  const before = button.textContent;
  button.textContent = "Copied";
  tell("Copied");
  setTimeout(() => { button.textContent = before; }, 1500);
}

/** `call()` gives the call as JSON text. */
export function copyDialog(call) {
  let turn = 0;
  const text = el("textarea", { rows: 16, readonly: true, "aria-label": "Text", spellcheck: "false" });
  const told = el("p", { class: "fault", role: "alert" });
  const copy = el("button", { type: "button", class: "main", onclick: () => copyText(text.value, copy, text) }, "Copy");
  const tabs = el("div", { class: "tabs", role: "tablist", "aria-label": "Copy as" });
  const show = async (form, isMoved) => {
    const own = (turn += 1);
    chosen = form;
    fill(tabs, FORMS.map(([name, title]) => el("button", { type: "button", role: "tab", "aria-selected": String(name === form), tabindex: name === form ? 0 : -1, onclick: () => show(name, true) }, title)));
    if (isMoved) tabs.querySelector("[aria-selected=true]").focus();
    told.textContent = "";
    try {
      const found = await postText(`copy/${form}`, call());
      if (own !== turn) return;
      text.value = found.text;
      copy.disabled = false;
      if (!isMoved) { text.focus(); text.select(); }
    } catch (fault) {
      if (own !== turn) return;
      text.value = "";
      copy.disabled = true;
      told.textContent = fault.message;
    }
  };
  tabs.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    const at = FORMS.findIndex(([name]) => name === chosen);
    show(FORMS[(at + by + FORMS.length) % FORMS.length][0], true);
  });
  show(chosen, false);
  return dialog("Copy the call as", [tabs, told, text, el("p", { class: "bar" }, copy, el("span", { class: "small" }, "Secrets are masked."))]);
}
