// The page: pick an operation, fill it in, see what it sends, run it, copy it.
import { el, fill, calm, tell } from "./dom.js";
import { get, post } from "./api.js";
import { pick, used } from "./pick.js";
import { form } from "./form.js";
import { plan } from "./request.js";
import { result } from "./result.js";

const main = document.getElementById("main");
const target = document.getElementById("target");
const COPIES = [["batch", "Batch step"], ["command", "Command"], ["curl", "curl"], ["python", "Python"], ["c", "C"], ["csharp", "C#"], ["request", "JSON"]];
let about;
let close = () => {};

const failed = (fault) => fill(main, el("p", { class: "failure", role: "alert" }, fault.message), fault.error?.advice && el("p", {}, String(fault.error.advice)));

/** The systems that an operation of a connector can be sent to. */
function targets(connector) {
  const before = target.value;
  const own = about.connections.filter((known) => !connector || known.connector === connector);
  fill(target, el("option", { value: "" }, "the sandbox"), own.map((known) => el("option", { value: known.connection }, known.connection)));
  target.value = own.some((known) => known.connection === before) ? before : "";
}

async function open(hit) {
  close();
  used(hit);
  let details;
  try {
    details = await get(`operations/${encodeURIComponent(hit.connector)}/${encodeURIComponent(hit.operation)}`);
  } catch (fault) {
    return failed(fault);
  }
  targets(hit.connector);
  const template = details.templates.find((own) => own.template === hit.template) ?? {};
  const planned = el("div", { class: "plan" });
  const told = el("div", { class: "faults", role: "status" });
  const shown = el("section", { class: "result", "aria-label": "Result" });
  let hash = null, asking;
  // Numbers keep their digits: the request is text, and is put into the call as text.
  const call = (more = "") => `{"connection":${JSON.stringify(target.value || null)},"connector":${JSON.stringify(hit.connector)},"request":${own.request()}${more}}`;
  const send = async (path, text) => {
    asking?.abort();
    asking = new AbortController();
    JSON.parse(text);
    return postText(path, text, asking.signal);
  };
  const look = async () => {
    shown.classList.add("old");
    try {
      const found = await send("plan", call());
      hash = found.hash;
      own.faults(null);
      fill(told);
      run.disabled = false;
      run.textContent = details.method === "query" || !target.value ? `Run on ${found.sends_to}` : `Send to ${found.sends_to} …`;
      plan(planned, found);
    } catch (fault) {
      if (fault.name === "AbortError") return;
      run.disabled = true;
      const left = own.faults(fault.error ?? { message: `the items are no JSON: ${fault.message}` });
      fill(told, left.map((one) => el("p", { class: "fault" }, one.message)));
    }
  };
  const start = async () => {
    if (details.method !== "query" && target.value && !(await confirmed(target.value, planned))) return;
    close();
    try {
      const { run: id } = await postText("runs", call(`,"planHash":${JSON.stringify(hash)}`));
      shown.classList.remove("old");
      close = result(shown, id, details.method !== "query");
    } catch (fault) {
      fill(shown, el("p", { class: "failure", role: "alert" }, fault.message));
    }
  };
  const run = el("button", { type: "button", class: "main", disabled: true, onclick: start }, "Run");
  const copied = el("select", { "aria-label": "Copy as", onchange: async () => {
    if (!copied.value) return;
    try {
      const { text } = await postText(`copy/${copied.value}`, call());
      await navigator.clipboard.writeText(text).catch(() => {});
      fill(copy, el("pre", { tabindex: 0 }, text));
      tell("copied");
    } catch (fault) {
      fill(copy, el("p", { class: "fault" }, fault.message));
    }
    copied.value = "";
  } }, el("option", { value: "" }, "Copy as …"), COPIES.map(([value, text]) => el("option", { value }, text)));
  const copy = el("div", { class: "copy" });
  const own = form(details, template, calm(look, 120));
  target.onchange = look;
  fill(main, el("h2", {}, template.title ?? details.title), el("p", { class: "small" }, details.description ?? "", " ", el("code", {}, details.request)),
    el("div", { class: "work" }, el("div", {}, own.node, told, el("div", { class: "bar" }, run, copied), copy), el("section", { class: "see", "aria-label": "What is sent" }, el("h3", {}, "What is sent"), planned)), shown);
  main.focus();
  look();
}

async function postText(path, text, signal) {
  const reply = await fetch(`/api/v1/${path}`, { method: "POST", headers: { "content-type": "application/json" }, body: text, signal });
  const value = await reply.json();
  if (reply.ok) return value;
  throw Object.assign(new Error(value.error.message), { error: value.error });
}

/** Asks before a real system is changed. */
function confirmed(name, planned) {
  return new Promise((resolve) => {
    const dialog = el("dialog", { "aria-label": "Send" }, el("h2", {}, `This sends to ${name}`), planned.cloneNode(true),
      el("form", { method: "dialog", class: "bar" }, el("button", { value: "" }, "Do not send"), el("button", { value: "send", class: "main" }, `Send to ${name}`)));
    dialog.addEventListener("close", () => { resolve(dialog.returnValue === "send"); dialog.remove(); });
    document.body.append(dialog);
    dialog.showModal();
  });
}

try {
  about = await get("about");
  targets("");
  fill(main, el("p", { class: "small" }, "Search on the left; / goes there, arrows move, Enter opens."));
  pick(document.getElementById("pick"), about, open);
  new EventSource("/api/v1/alive");
} catch (fault) {
  failed(fault);
}
