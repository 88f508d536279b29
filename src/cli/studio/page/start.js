// The page of a newcomer: what this is for, and three templates that run on the sandbox in one click.
import { el, fill } from "./dom.js";
import { post } from "./api.js";
import { address, methodBadge } from "./hits.js";

const WISHES = ["members who have left", "open tickets without an owner", "devices", "users without mfa", "companies"];

/** `runAtOnce(hit)` opens a hit and runs it on the sandbox. */
export async function start(work, context, found, runAtOnce) {
  const cards = el("div", { class: "cards" }, el("p", { class: "small" }, "Loading …"));
  const titles = new Map(context.about.connectors.map((own) => [own.connector, own.title ?? own.connector]));
  const wishes = ["members who left", "tickets closed last month", "create a ticket", "agreements that end soon"];
  document.getElementById("target").replaceChildren(el("option", { value: "" }, "the sandbox"), ...context.about.connections.map((own) => el("option", { value: own.connection }, own.connection)));
  fill(work, el("div", { class: "start" },
    el("h2", {}, "What do you want to do?"),
    el("p", { class: "lead" }, "Say it in a few words in the search. Fill in what is asked, look at the request, run it on the sandbox: nothing leaves this machine. Then call a real system, or add the call to a batch."),
    el("p", { class: "wishes" }, el("span", { class: "small" }, "For instance: "), wishes.map((own) => el("button", { type: "button", onclick: () => { found.search(own); found.focus(); } }, own))),
    el("h3", {}, "Try one on the sandbox"), cards,
    context.about.connections_fault && el("p", { class: "failure" }, el("strong", {}, "The connections file does not fit. "), String(context.about.connections_fault.message ?? context.about.connections_fault)),
    context.about.connections.length === 0 && el("div", { class: "card hint" }, el("h3", { class: "first" }, "No connection yet"),
      el("p", { class: "small" }, "The sandbox needs none. To call a real system, "), el("a", { href: "#/connections" }, "add a connection"))));
  const chosen = await suggestions();
  fill(cards, chosen.map((hit) => el("article", { class: "card suggestion" },
    el("p", { class: "suggestion-head" }, methodBadge(hit.method), el("span", { class: "small" }, titles.get(hit.connector) ?? hit.connector)),
    el("h4", {}, hit.title), el("p", { class: "small" }, hit.summary ?? ""),
    el("p", { class: "bar" }, el("button", { type: "button", class: "main", "aria-label": `Run “${hit.title}” on the sandbox`, onclick: () => runAtOnce(hit) }, "Run"),
      el("a", { href: address(hit), "aria-label": `Open “${hit.title}”` }, "Open")))));
  if (chosen.length === 0) fill(cards, el("p", { class: "small" }, "There are no templates that run without an input."));
}

/** Templates that read, need no input, and are of different operations. */
async function suggestions() {
  const chosen = [];
  const take = (hits) => {
    const fit = hits.find((hit) => hit.template && hit.method === "query" && !hit.ask?.length && !hit.missing?.length && !chosen.some((own) => own.operation === hit.operation));
    if (fit) chosen.push(fit);
  };
  try {
    // One after the other, so that a search of the user need not wait for all of them.
    for (const text of WISHES) if (chosen.length < 3) take((await post("search", { text, connectors: [], method: "query", limit: 12 })).hits);
    if (chosen.length < 3) {
      const all = await post("search", { text: "", connectors: [], method: "query", limit: 60 });
      while (chosen.length < 3) { const before = chosen.length; take(all.hits); if (chosen.length === before) break; }
    }
  } catch { /* The search says what is wrong. */ }
  return chosen;
}
