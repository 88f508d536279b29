// A raw call: verb, path, headers and body, signed with a connection. A write shows its plan and asks before it is sent.
import { el, fill, tell, visible } from "./dom.js";
import { post } from "./api.js";
import { dialog } from "./dialog.js";
import { failure } from "./failure.js";
import { copier, readable, size, textView } from "./textview.js";

const VERBS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"];
const hasBody = (verb) => verb !== "GET" && verb !== "HEAD";
const bytes = (text) => new TextEncoder().encode(text).length;

/** A message as it goes over the wire: its first line, headers and body. */
const messageText = (start, headers, body) =>
  `${start}\n${headers.map(([name, value]) => `${name}: ${value}\n`).join("")}${body ? `\n${readable(body)}` : ""}`;

/** The status of a first line such as `HTTP/1.1 200 OK`. */
const statusOf = (message) => Number(/\b(\d{3})\b/.exec(message?.start ?? "")?.[1] ?? 0);

/** The rows of the headers; `list` is changed in place. */
function headerRows(list) {
  const rows = el("div", { class: "header-rows" });
  const draw = (focusAt) => {
    fill(rows, list.map((header, at) => {
      const input = (which, label) => {
        const own = el("input", { type: "text", "aria-label": `${label} of header ${at + 1}`, placeholder: label, autocomplete: "off",
          spellcheck: "false" });
        own.value = header[which];
        own.addEventListener("input", () => { header[which] = own.value; });
        return own;
      };
      return el("div", { class: "header-row" }, input(0, "Name"), input(1, "Value"),
        el("button", { type: "button", class: "quiet", "aria-label": `Remove header ${at + 1}`,
          onclick: () => { list.splice(at, 1); draw(list.length - 1); } }, "Remove"));
    }), el("button", { type: "button", class: "quiet add", onclick: () => { list.push(["", ""]); draw(list.length - 1); } },
      "Add a header"));
    if (focusAt !== undefined) (rows.children[focusAt]?.querySelector("input") ?? rows.querySelector(".add")).focus();
  };
  draw();
  return rows;
}

/** What has come back. */
function reply({ exchange, error }, ms) {
  const { sent, received } = exchange;
  const body = received?.body ?? "";
  const text = readable(body);
  const status = statusOf(received);
  return el("section", { class: "reply", "aria-label": "Reply" },
    error && failure({ error }, received ? "The system has refused the call" : "There is no reply"),
    received && el("div", { class: "bar" }, el("span", { class: `badge ${status < 400 ? "good" : "bad"}` }, visible(received.start)),
      el("span", { class: "small" }, `${ms} ms · ${size(bytes(body))}`),
        body && el("span", { class: "end" }, copier(() => body, "Copy the body"))),
    received && el("details", {}, el("summary", {}, `Headers (${received.headers.length})`),
      el("table", { class: "plain headers" }, el("tbody", {},
      received.headers.map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, visible(name)), el("td", {}, visible(value))))))),
    el("details", {}, el("summary", {}, "Request"), textView(messageText(sent.start, sent.headers, sent.body), "Request")),
    received && (text ? textView(text, "Body of the reply") : el("p", { class: "small" }, "The reply has no body.")));
}

/**
 * The form of a call. `draft` has verb, path, headers and body, and keeps what is typed; `connection()` is the name of the connection;
 * `replied(call)` is called after each call that
 * has succeeded.
 */
export function rawCall({ draft, connection, replied }) {
  const shown = el("div", { class: "replied", role: "status" });
  const verb = el("select", { "aria-label": "Verb", class: "verb" }, VERBS.map((own) => el("option", {}, own)));
  verb.value = draft.verb;
  const path = el("input", { type: "text", "aria-label": "Path below the address of the connection", placeholder: "/books?limit=2",
    autocomplete: "off", spellcheck: "false" });
  path.value = draft.path;
  path.addEventListener("input", () => { draft.path = path.value; });
  const body = el("textarea", { id: "raw-body", rows: 7, spellcheck: "false", "aria-describedby": "raw-body-fault" });
  body.value = draft.body;
  const bodyFault = el("p", { class: "fault", id: "raw-body-fault" });
  body.addEventListener("input", () => {
    draft.body = body.value;
    bodyFault.textContent = "";
    if (!/^\s*[[{]/.test(body.value)) return;
    try { JSON.parse(body.value); } catch (cause) { bodyFault.textContent = `This is no JSON: ${cause.message}`; }
  });
  const bodyField = el("div", { class: "field" }, el("label", { for: "raw-body" }, "Body"), el("div", { class: "value" }, body), bodyFault);
  const drawVerb = () => {
    draft.verb = verb.value;
    bodyField.hidden = !hasBody(verb.value);
    send.textContent = verb.value === "GET" || verb.value === "HEAD" ? "Send" : "Show the plan …";
  };
  const call = () => ({
    connection: connection(), verb: draft.verb, path: draft.path.trim(), headers: draft.headers.filter(([name]) => name.trim()),
    body: hasBody(draft.verb) && draft.body.trim() ? draft.body : null,
  });
  const run = async () => {
    const asked = call();
    if (!asked.path) return path.focus();
    send.disabled = true;
    fill(shown, el("p", { class: "waiting" }, "Calling the system …"));
    try {
      let started = performance.now();
      let answer = await post("calls", asked);
      if (!answer.exchange && !answer.error) {
        fill(shown);
        const choice = await dialog(`This sends to ${visible(asked.connection)}`, [
          el("p", {}, "The system may change what it has. The request, with credentials masked:"),
            textView(messageText(`${answer.plan.verb} ${answer.plan.url}`, answer.plan.headers, answer.plan.body), "Request")],
        [["Do not send", "", ""], [`Send to ${visible(asked.connection)}`, "send", "main"]]);
        if (choice !== "send") return fill(shown, el("p", { class: "small" }, "Nothing was sent."));
        fill(shown, el("p", { class: "waiting" }, "Calling the system …"));
        started = performance.now();
        answer = await post("calls", { ...asked, planHash: answer.hash });
      }
      const ms = Math.round(performance.now() - started);
      fill(shown, answer.exchange ? reply(answer, ms) : failure({ error: answer.error }, "The call has failed"));
      tell(answer.exchange?.received ? `${answer.exchange.received.start} in ${ms} ms` : "There is no reply");
      if (!answer.error) replied(asked);
    } catch (cause) {
      fill(shown, failure(cause, "The call has failed"));
    } finally {
      send.disabled = false;
    }
    return undefined;
  };
  const send = el("button", { type: "submit", class: "main" }, "Send");
  verb.addEventListener("change", drawVerb);
  drawVerb();
  const headers = el("details", { class: "more" }, el("summary", {}, "Headers"), headerRows(draft.headers));
  headers.open = draft.headers.length > 0;
  return el("form", { class: "raw-call", onsubmit: (event) => { event.preventDefault(); run(); } },
    el("div", { class: "call-line" }, verb, path, send), headers, bodyField, shown);
}
