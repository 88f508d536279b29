// Dialogs: a title, a content, and buttons; Escape closes, and focus goes back to where it was.
import { el } from "./dom.js";

/**
 * Shows a dialog. `buttons` are [text, value, className]; "Close" if there are none. Resolves with the value of the button,
 * "" when it was closed otherwise.
 */
export function dialog(title, content, buttons = [["Close", "", ""]], className = "") {
  return new Promise((resolve) => {
    const before = document.activeElement;
    const own = el("dialog", { "aria-labelledby": "dialog-title", class: className },
      el("div", { class: "dialog-head" }, el("h2", { id: "dialog-title" }, title)),
      el("div", { class: "dialog-body" }, content),
      el("form", { method: "dialog", class: "bar dialog-foot" },
        buttons.map(([text, value, kind]) => el("button", { value, class: kind ?? "" }, text))));
    own.addEventListener("close", () => {
      own.remove();
      before?.focus?.();
      resolve(own.returnValue);
    });
    // A click beside the dialog closes it.
    own.addEventListener("click", (event) => { if (event.target === own) own.close(""); });
    document.body.append(own);
    own.showModal();
  });
}
