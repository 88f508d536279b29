// A row as JSON in a dialog at the side, with copy, and the rows before and after it.
import { el, fill, visible } from "./dom.js";
import { copyText } from "./copy.js";
import { dialog } from "./dialog.js";

const MOST = 60_000;

/** `rowAt(at)` gives a row. */
export async function rowDialog(first, rows, rowAt) {
  let at = first, text = "";
  const shown = el("pre", { tabindex: 0, "aria-label": "The row as JSON", dir: "auto" });
  const place = el("strong", { role: "status" });
  const back = el("button", { type: "button", onclick: () => go(-1) }, "Previous");
  const next = el("button", { type: "button", onclick: () => go(1) }, "Next");
  const copy = el("button", { type: "button", class: "main end", onclick: () => copyText(text, copy) }, "Copy");
  const go = async (by) => {
    at += by;
    back.disabled = at === 0;
    next.disabled = at === rows - 1;
    place.textContent = `Row ${(at + 1).toLocaleString("en")} of ${rows.toLocaleString("en")}`;
    text = JSON.stringify(await rowAt(at), null, 2) ?? "";
    fill(shown, visible(text.length > MOST ? `${text.slice(0, MOST)}\n… ${(text.length - MOST).toLocaleString("en")} more characters; Copy takes all` : text));
  };
  await go(0);
  return dialog("The row as JSON", [el("div", { class: "bar" }, back, next, place, copy), shown], undefined, "side");
}
