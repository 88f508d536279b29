// A text to read: short ones as they are, long ones line by line as far as they can be seen.
import { el, tell, visible } from "./dom.js";
import { longList } from "./longlist.js";
import { pretty } from "./json.js";

const SHORT = 20_000;
const WIDEST = 2_000;

/** JSON with white space and unchanged digits; any other text as it is. */
export function readable(text) {
  if (!/^\s*[[{]/.test(text)) return text;
  try { JSON.parse(text); } catch { return text; }
  return pretty(text);
}

/** A button that copies a text. */
export function copier(text, label = "Copy") {
  const button = el("button", { type: "button", class: "quiet", onclick: async () => {
    const isCopied = await navigator.clipboard.writeText(text()).then(() => true, () => false);
    button.textContent = isCopied ? "Copied" : "Not copied";
    tell(button.textContent);
    setTimeout(() => { button.textContent = label; }, 1500);
  } }, label);
  return button;
}

/** The size of a text as people read it. */
export const size = (bytes) => (bytes < 1000 ? `${bytes} bytes` : bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB`
  : `${(bytes / 1e6).toFixed(1)} MB`);

export function textView(text, label) {
  if (text.length <= SHORT) return el("pre", { tabindex: 0, role: "region", "aria-label": label, dir: "auto" }, visible(text));
  const cut = (line) => (line.length > WIDEST
    ? `${line.slice(0, WIDEST)} … ${(line.length - WIDEST).toLocaleString("en")} more characters` : line);
  const list = longList({ height: 19, label, isList: false, className: "lines", draw: (line) => el("div", {}, visible(cut(line))) });
  list.set(text.split("\n"));
  return list.node;
}
