// Elements by name, attributes and children. Texts are always text, never HTML.

/** An element: `el("p", { class: "a", onclick: f }, "text", child)`. Attributes that are false, null or undefined are left out. */
export function el(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key in node && typeof value !== "string") node[key] = value;
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** Replaces what a node has. */
export function fill(node, ...children) {
  node.replaceChildren(...children.flat(9).filter((child) => child !== null && child !== undefined && child !== false));
}

/** Says something to everybody, also to screen readers. */
export function tell(text) {
  document.getElementById("told").textContent = text;
}

/** Calls once it has been quiet for so many milliseconds, with the last arguments. */
export function calm(work, milliseconds) {
  let timer;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...given), milliseconds);
  };
}

/** A number as people read it. */
export const count = (number, one, many = `${one}s`) => `${number.toLocaleString("en")} ${number === 1 ? one : many}`;

/** A text in which words are marked, as nodes. */
export function marked(text, words) {
  const found = words.filter(Boolean).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  if (found.length === 0) return [text];
  return text.split(new RegExp(`(${found.join("|")})`, "gi")).map((part, at) => (at % 2 === 1 ? el("mark", {}, part) : part));
}

/** Characters that change how a text is shown are shown themselves. */
export const visible = (text) => String(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** Scrolls to a node; at once for people who want no motion. */
export const reveal = (node) =>
  node.scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
