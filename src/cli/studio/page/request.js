// What would be sent: the requests, as they are.
import { el, fill, visible, count } from "./dom.js";
import { pretty } from "./json.js";

const MOST = 20;

/** One request as nodes. */
export function requestNode(own) {
  return el("pre", { class: "request", tabindex: 0, "aria-label": `${own.verb} request` }, el("span", { class: "request-line" }, el("b", {}, own.verb), " ", visible(own.url)), "\n",
    own.headers.flatMap(([name, value]) => [el("span", { class: "request-head" }, `${name}: `), visible(value), "\n"]), own.body ? ["\n", visible(cut(pretty(own.body)))] : "");
}

const cut = (text) => (text.length > 20_000 ? `${text.slice(0, 20_000)}\n… ${(text.length - 20_000).toLocaleString("en")} more characters` : text);

/** Shows a plan. */
export function plan(pane, found) {
  const whole = found.count;
  fill(pane, el("p", { class: "small plan-told" }, `${count(whole, "request")}${found.is_paged ? " for the first page, then one for each page" : ""} to `,
    el("strong", {}, found.sends_to), found.items === null || found.items === undefined ? "" : `, with ${count(found.items, "item")}`, ". Nothing was sent."),
  found.requests.slice(0, MOST).map(requestNode), whole > MOST && el("p", { class: "small" }, `and ${count(whole - MOST, "more request")}`));
}
