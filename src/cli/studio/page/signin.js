// Signs in to a connection with the browser: opens the address, shows it and the device code, and waits for the end.
import { el, fill, tell, visible } from "./dom.js";
import { get, post } from "./api.js";
import { failure } from "./failure.js";
import { copier } from "./textview.js";

const EVERY = 1000;
const isWeb = (address) => /^https?:\/\//i.test(address);

/** Begins in `node`; `done()` is called when the sign-in has succeeded. Returns a function that stops waiting. */
export function signIn(node, connection, done) {
  let isStopped = false, timer, known = null, stopNext = () => {};
  const stop = () => { isStopped = true; clearTimeout(timer); stopNext(); };
  const failed = (cause) => {
    if (isStopped) return;
    stop();
    const block = failure(cause, "The sign-in has failed");
    fill(node, block, el("div", { class: "bar" }, el("button", { type: "button",
      onclick: () => { stopNext = signIn(node, connection, done); } }, "Sign in again")));
  };
  const show = (state) => {
    if (!state.address || state.address === known) return;
    known = state.address;
    if (isWeb(known)) window.open(known, "_blank", "noopener,noreferrer");
    fill(node, el("div", { class: "sign-in", role: "group", "aria-label": "Sign in" },
      el("p", {}, el("strong", {}, "Sign in on the page of the system. "),
        "It has been opened in a new tab. If there is none, open the address yourself:"),
      el("div", { class: "address" }, isWeb(known)
        ? el("a", { href: known, target: "_blank", rel: "noreferrer noopener" }, visible(known)) : el("code", {}, visible(known)),
          copier(() => known)),
      state.code && el("p", { class: "code-line" }, "Enter this code there: ", el("code", { class: "device-code" }, visible(state.code)),
        " ", copier(() => state.code)),
      el("div", { class: "bar" }, el("span", { class: "waiting" }, "Waiting for the sign-in …"),
        el("button", { type: "button", onclick: () => { stop(); fill(node,
          el("p", { class: "small" }, "No longer waiting for the sign-in.")); } }, "Stop waiting"))));
    tell(`Sign in on the page of the system.${state.code ? ` The code is ${state.code}` : ""}`);
  };
  const ask = async (login) => {
    try {
      const state = await get(`connections/logins/${encodeURIComponent(login)}`);
      if (isStopped) return;
      if (state.state === "failed") return failed(typeof state.error === "string" ? new Error(state.error)
        : { error: state.error ?? { message: "no reason is known" } });
      if (state.state === "done") {
        stop();
        fill(node, el("p", { class: "success" }, "Signed in. The tokens are stored for the account of this connection."));
        tell("Signed in");
        return done();
      }
      show(state);
      timer = setTimeout(ask, EVERY, login);
    } catch (cause) {
      failed(cause);
    }
  };
  fill(node, el("p", { class: "waiting" }, "Asking the system for its sign-in page …"));
  post("connections/login", { connection }).then(({ login }) => ask(login), failed);
  return stop;
}
