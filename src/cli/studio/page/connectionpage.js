// The page of one connection: its form, and what can be done with it.
import { el, fill, tell, visible } from "./dom.js";
import { get, post } from "./api.js";
import { dialog } from "./dialog.js";
import { failure } from "./failure.js";
import { connectionForm } from "./connectionform.js";
import { signIn } from "./signin.js";
import { address, forget, lastTest, test, tested, testResult } from "./connectiontests.js";

export const NEW = "~new";
/** What is to be done once the page of a saved connection is shown: "test" or "signIn". */
let pending = null;

const asFault = (fault) => (typeof fault === "string" ? { message: fault } : { error: fault });

/** The choice of the system of a new connection. */
function chooser(titles, preset, choose) {
  const select = el("select", { id: "connector", onchange: () => select.value && choose(select.value) },
    el("option", { value: "" }, "Choose a system …"),
    [...titles].sort((one, two) => one[1].localeCompare(two[1])).map(([value, title]) => el("option", { value }, visible(title))));
  select.value = preset ?? "";
  return el("div", { class: "field system" }, el("label", { for: "connector" }, "System"), el("div", { class: "value" }, select),
    el("p", { class: "about" }, "Is it missing? ", el("a", { href: "#/connectors/~write" }, "Write a connector"), " or ",
      el("a", { href: "#/connectors/~import" }, "import a description of its API"), "."));
}

async function remove(name, file) {
  const answer = await dialog(`Remove ${visible(name)}?`, [el("p", {}, "The connection ", el("strong", { dir: "auto" }, visible(name)),
    " is deleted from ",
    el("code", {}, visible(file)), ". Batch files that name it do not run any more. Nothing changes in the system.")],
  [["Keep it", "", ""], [`Remove ${visible(name)}`, "remove", "danger"]]);
  if (answer !== "remove") return false;
  await post("connections/remove", { connection: name });
  forget(name);
  tell(`${name} is removed`);
  return true;
}

/**
 * Fills `root`. `name` is NEW for a new connection, of the system `preset` if it is given; `again()` shows the page anew.
 * Returns `isDirty()` and `stop()`.
 */
export async function connectionPage({ root, context, file, connections, titles, name, preset, again }) {
  const isNew = name === NEW;
  const known = isNew ? null : connections.find((entry) => entry.connection === name);
  const back = el("a", { class: "back", href: "#/connections" }, "All connections");
  if (!isNew && !known) {
    fill(root, back, el("div", { class: "empty" }, el("h2", { tabindex: -1 }, "There is no such connection"),
      el("p", {}, el("code", { dir: "auto" }, visible(name)), " is not in ", el("code", {}, visible(file)), ".")));
    return { isDirty: () => false, stop: () => {} };
  }
  const shown = el("div", {}), told = el("div", { class: "told", role: "status" });
  const state = el("span", { class: "test-state" }, !isNew && tested(name));
  let form = null, stop = () => {};

  const works = {
    test: async () => {
      fill(told, el("p", { class: "waiting" }, "Calling the system …"));
      await test(name);
      fill(told, testResult(name));
      told.scrollIntoView({ block: "nearest" });
      fill(state, tested(name));
    },
    signIn: () => { stop(); stop = signIn(told, name, works.test); },
  };
  /** Saves what is changed, then does the work; the page of a new or renamed connection does it there. */
  const saveAnd = async (work) => {
    if (!isNew && !form.isDirty()) return works[work]?.();
    const saved = await form.save();
    if (saved === null) return undefined;
    if (saved !== name) forget(name);
    context.about = await get("about").catch(() => context.about);
    pending = work;
    return saved === name ? again() : context.go(address(saved));
  };
  const changing = [];
  const edited = (isDirty) => {
    if (isDirty) fill(told);
    changing.forEach(([button, clean, dirty]) => { button.textContent = isDirty ? dirty : clean; });
  };
  const doing = (clean, dirty, work) => {
    const button = el("button", { type: "button", onclick: () => saveAnd(work) }, clean);
    changing.push([button, clean, dirty]);
    return button;
  };
  const action = (button, text) => el("div", { class: "action" }, button, el("p", { class: "small" }, text));
  const actions = () => el("section", { class: "card", "aria-label": "What can be done" },
    form && action(doing("Test", "Save and test", "test"),
      "Calls the system once, to check address and credentials. It changes nothing there."),
    form?.type.sign_in && action(doing("Sign in", "Save and sign in", "signIn"),
      "Opens the sign-in page of the system in a new tab, and stores the tokens for this account."),
    action(el("button", { type: "button", class: "danger", onclick: async () => {
      try {
        if (!(await remove(name, file))) return;
        form = null;
        context.about = await get("about").catch(() => context.about);
        context.go("#/connections");
      } catch (cause) {
        fill(told, failure(cause, "It was not removed"));
      }
    } }, "Remove …"), "Deletes the connection from the file. Nothing changes in the system."));
  const side = el("div", {});
  const draw = async (connector) => {
    const buttons = [el("button", { class: "main", type: "submit", onclick: () => saveAnd("test") }, "Save and test"),
      el("button", { type: "button", onclick: () => saveAnd(null) }, "Save"),
        el("a", { class: "button quiet", href: "#/connections" }, "Cancel")];
    try {
      form = await connectionForm({ known, connector, given: connections.map((entry) => entry.connection), file, buttons, edited });
      fill(shown, form.node);
      if (!isNew) fill(side, actions());
    } catch (cause) {
      fill(shown, failure(cause));
    }
  };
  fill(root, back, el("div", { class: "setup-head" }, el("h2", { tabindex: -1, dir: "auto" }, isNew ? "New connection" : visible(name)),
    state),
    el("p", { class: "small", dir: "auto" }, isNew ? "Where the system is, and how to sign in to it."
      : [titles.has(known.connector) && `${visible(titles.get(known.connector))} · `,
        el("code", {}, visible(known.connector))].filter(Boolean)),
    known?.fault && failure(asFault(known.fault), "The connection has a fault"),
    el("div", { class: "setup-two" }, el("div", {}, isNew && chooser(titles, preset, draw), shown),
      el("aside", { "aria-label": "Actions" }, side, told)));
  if (known?.fault) fill(side, actions());
  else if (known || preset) await draw(known?.connector ?? preset);
  const work = pending;
  pending = null;
  if (works[work] && !isNew) works[work]();
  else if (form && lastTest(name)?.cause) fill(told, testResult(name));
  return { isDirty: () => form?.isDirty() ?? false, stop: () => stop() };
}
