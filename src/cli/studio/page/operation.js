// An opened operation: the form, the request beside it, Run, the result below.
import { el, fill, calm, count, reveal, tell, visible } from "./dom.js";
import { get, postText } from "./api.js";
import { copyDialog, copyText } from "./copy.js";
import { dialog } from "./dialog.js";
import { form } from "./form.js";
import { address, methodBadge } from "./hits.js";
import { used } from "./pick.js";
import { plan, requestNode } from "./request.js";
import { result } from "./result.js";

const target = document.getElementById("target");

/** The systems that an operation of a connector can be sent to. */
function targets(about, connector) {
  const before = target.value;
  const own = about.connections.filter((known) => known.connector === connector);
  fill(target, el("option", { value: "" }, "the sandbox"), own.map((known) => el("option", { value: known.connection }, known.connection)));
  target.value = own.some((known) => known.connection === before) ? before : "";
}

const faultNode = (fault) => el("div", { class: "failure", role: "alert" }, el("strong", {}, visible(fault.message)),
  typeof fault.error?.advice === "string" && el("p", {}, visible(fault.error.advice)));

/** Opens what `hit` names; `isCurrent()` says whether it is still wanted; `isAtOnce`, whether it runs on the sandbox at once. */
export async function open(work, context, hit, isCurrent, isAtOnce) {
  fill(work, el("p", { class: "small loading" }, "Loading …"));
  let details;
  try {
    details = await get(`operations/${encodeURIComponent(hit.connector)}/${encodeURIComponent(hit.operation)}`);
  } catch (fault) {
    if (isCurrent()) fill(work, faultNode(fault), el("p", { class: "bar" }, el("a", { href: "#/operations" }, "Back to the search")));
    return undefined;
  }
  if (!isCurrent()) return undefined;
  const about = context.about;
  targets(about, hit.connector);
  const template = details.templates.find((own) => own.template === hit.template) ?? {};
  used({ ...hit, method: details.method, title: template.title ?? details.title, summary: template.summary ?? details.description });
  const isRead = details.method === "query";
  if (isAtOnce) target.value = "";
  let planned = null, plannedFor = "", asking = null, stopRun = () => {}, ran = null, isTouched = false;

  const pane = el("div", { class: "plan" }, el("p", { class: "small" }, "…"));
  const shown = el("section", { class: "result", "aria-label": "Result", tabindex: -1, hidden: true });
  const stale = el("p", { class: "stale badge warn", hidden: true }, "The input was changed after this run");
  const system = () => target.value || null;
  // Numbers keep their digits: the request is text, and is put into the call as text.
  const call = (more = "") => `{"connection":${JSON.stringify(system())},"connector":${JSON.stringify(hit.connector)},"request":${own.request()}${more}}`;

  const label = () => {
    const name = system();
    run.textContent = !name ? "Run on the sandbox" : isRead ? `Run on ${name}` : `Send to ${name} …`;
  };
  const look = async () => {
    asking?.abort();
    planned = null;
    if (ran !== null) { const isOld = ran !== call(); shown.classList.toggle("old", isOld); stale.hidden = !isOld; }
    if (own.unread()) { run.disabled = true; return; }
    const missing = isTouched || details.items ? [] : own.missing();
    if (missing.length > 0) {
      own.faults({ message: "", faults: missing.map((name) => ({ message: name, field: `/${name}` })) }, true);
      fill(pane, el("p", { class: "small" }, "The request appears when the form fits."));
      return;
    }
    asking = new AbortController();
    const slow = setTimeout(() => fill(pane, el("p", { class: "small" }, own.size() > 1 ? `Checking ${count(own.size(), "item")} …` : "Checking …")), 600);
    try {
      const text = call();
      planned = await postText("plan", text, asking.signal);
      plannedFor = text;
      own.faults(null);
      run.disabled = curl.disabled = false;
      pane.classList.remove("old");
      plan(pane, planned);
    } catch (fault) {
      if (fault.name === "AbortError") return;
      clearTimeout(slow);
      run.disabled = curl.disabled = true;
      if (!pane.classList.contains("old") && pane.querySelector("pre")) pane.prepend(el("p", { class: "small" }, "This is the request before the last change. The form does not fit now."));
      pane.classList.add("old");
      if (!pane.querySelector("pre")) fill(pane, el("p", { class: "small" }, "The request appears when the form fits."));
      own.faults(fault.error ?? { message: fault.message }, !isTouched);
    } finally {
      clearTimeout(slow);
    }
  };
  const start = async () => {
    if (run.disabled) return;
    if (!planned || plannedFor !== call()) await look();
    if (!planned) return;
    if (!isRead && system() && !(await confirmed(system(), planned, details))) return;
    stopRun();
    const sent = own.items();
    run.disabled = true;
    try {
      const { run: id } = await postText("runs", call(`,"planHash":${JSON.stringify(planned.hash)}`));
      ran = call();
      stale.hidden = true;
      shown.hidden = false;
      shown.classList.remove("old");
      stopRun = result(shown, id, { details, stale, items: sent, system: system() ?? "the sandbox",
        arrived: () => reveal(shown),
        retry: (list) => { own.setItems(list); tell(`${count(list.length, "item")} in the form`); } });
      shown.focus({ preventScroll: true });
    } catch (fault) {
      shown.hidden = false;
      fill(shown, el("h3", {}, "Result"), faultNode(fault));
    } finally {
      run.disabled = false;
    }
  };
  const add = async () => {
    try {
      const { text } = await postText("copy/batch", call());
      context.step = { text, connector: hit.connector, connection: system() };
      context.go("#/batch");
    } catch (fault) {
      own.faults(fault.error ?? { message: fault.message });
    }
  };
  const run = el("button", { type: "button", class: "main", disabled: true, onclick: start, title: "Ctrl Enter" }, "Run");
  const copy = el("button", { type: "button", onclick: () => copyDialog(call), title: "Alt Shift C" }, "Copy …");
  const batch = el("button", { type: "button", onclick: add, title: "Alt Shift B" }, "Add to batch");
  const curl = el("button", { type: "button", class: "quiet", disabled: true, onclick: async () => {
    try { copyText((await postText("copy/curl", call())).text, curl); } catch (fault) { tell(fault.message); }
  } }, "Copy as curl");
  const soon = calm(look, 120), later = calm(look, 700);
  const touched = () => { isTouched = true; (own.size() > 300 ? later : soon)(); };
  const own = form(details, { options: template.options, items: template.items?.length ? template.items : null, ask: template.ask }, touched, system);
  target.onchange = () => { label(); own.forget(); look(); };
  label();

  const others = details.templates.filter((one) => one.template !== template.template);
  fill(work,
    el("p", { class: "crumbs small" }, el("a", { href: "#/operations", class: "to-search" }, "← Search"), el("span", {}, about.connectors.find((one) => one.connector === hit.connector)?.title ?? hit.connector),
      el("span", { "aria-hidden": "true" }, "/"), hit.template ? el("a", { href: address({ ...hit, template: undefined }) }, hit.operation) : el("code", {}, hit.operation),
      hit.template && [el("span", { "aria-hidden": "true" }, "/"), el("code", {}, hit.template)]),
    el("div", { class: "work-head" },
      el("div", { class: "work-title" }, el("h2", { dir: "auto" }, visible(template.title ?? details.title)), methodBadge(details.method),
        template.title && el("span", { class: "badge" }, "Template"), details.deprecated && el("span", { class: "badge warn" }, "Deprecated")),
      el("div", { class: "bar actions" }, batch, copy, run)),
    el("p", { class: "lead", dir: "auto" }, visible([template.summary, details.description].filter(Boolean).join(". ").replace(/\.\./g, "."))),
    others.length > 0 && templatesOf(others, hit, template.template),
    el("div", { class: "halves" }, own.node,
      el("section", { class: "see", "aria-label": "What is sent" }, el("div", { class: "see-head" }, el("h3", { class: "first" }, "What is sent"), curl), pane)),
    shown);
  work.onkeydown = (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); start(); }
  };
  const keys = (event) => {
    if (event.altKey && event.shiftKey && event.code === "KeyC") { event.preventDefault(); copyDialog(call); }
    if (event.altKey && event.shiftKey && event.code === "KeyB") { event.preventDefault(); add(); }
  };
  document.addEventListener("keydown", keys);
  work.focus({ preventScroll: true });
  tell(`${template.title ?? details.title} is open`);
  await look();
  if (isAtOnce && isCurrent()) start();
  return () => { asking?.abort(); stopRun(); target.onchange = null; work.onkeydown = null; document.removeEventListener("keydown", keys); };
}

/** The other templates of the operation, as links. */
function templatesOf(others, hit, isTemplate) {
  const link = (own) => el("a", { href: address({ ...hit, template: own.template }), title: own.summary ?? "" }, own.title);
  return el("details", { class: "others" }, el("summary", { class: "small" }, isTemplate ? `${count(others.length, "other template")} of this operation` : `${count(others.length, "template")} of this operation`),
    el("ul", {}, others.slice(0, 100).map((own) => el("li", {}, link(own)))));
}

/** Asks before a real system is changed. */
async function confirmed(name, planned, details) {
  const what = planned.items === null || planned.items === undefined ? "" : ` with ${count(planned.items, "item")}`;
  const done = await dialog(`This sends to ${name}`, [
    el("p", {}, el("strong", {}, details.title), `: ${count(planned.count, "request")}${what} to the real system ${name}. ${details.method === "delete" ? "It deletes records." : "It changes records."}`),
    planned.requests.slice(0, 20).map(requestNode),
    planned.count > 20 && el("p", { class: "small" }, `and ${count(planned.count - 20, "more request")}`)],
  [["Do not send", "", ""], [`Send to ${name}`, "send", "main"]]);
  return done === "send";
}
