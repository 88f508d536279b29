// What would be sent, beside the form; and what the call is copied as.
import { el, fill, visible, count } from "./dom.js";

export function plan(pane, found, call) {
  const whole = found.requests.length;
  fill(pane, el("p", { class: "small" }, `${count(whole, "request")}${found.is_paged ? " for the first page, and one for each page after it" : ""} to ${found.sends_to}; nothing was sent`),
    found.requests.slice(0, 20).map((own) => el("pre", { class: "request", tabindex: 0 }, el("b", {}, own.verb), " ", visible(own.url), "\n",
      own.headers.map(([name, value]) => `${name}: ${visible(value)}\n`), own.body ? `\n${visible(pretty(own.body))}` : "")),
    whole > 20 && el("p", { class: "small" }, `and ${count(whole - 20, "more request")}`));
}

function pretty(text) {
  // Digits of numbers stay as they are: only white space is added.
  let out = "", depth = 0, inText = false;
  for (let at = 0; at < text.length; at += 1) {
    const c = text[at];
    if (inText) {
      out += c;
      if (c === "\\") out += text[(at += 1)] ?? "";
      else if (c === '"') inText = false;
    } else if (c === '"') { inText = true; out += c; }
    else if (c === "{" || c === "[") { depth += 1; out += `${c}\n${"  ".repeat(depth)}`; }
    else if (c === "}" || c === "]") { depth -= 1; out += `\n${"  ".repeat(Math.max(depth, 0))}${c}`; }
    else if (c === ",") out += `,\n${"  ".repeat(depth)}`;
    else if (c === ":") out += ": ";
    else if (!/\s/.test(c)) out += c;
  }
  return out;
}
