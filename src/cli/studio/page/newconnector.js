// The form of a new connector: its name, address, and how its requests are signed.
import { el, fill, tell } from "./dom.js";
import { post } from "./api.js";
import { commandFailure, failure, prose } from "./failure.js";
import { textField } from "./connectionform.js";

const SIGN_INS = [
  ["bearer", "A token: Authorization: Bearer …"], ["basic", "A user name and a password: HTTP Basic"],
    ["api-key", "A key in a header of its own, such as X-API-Key"],
  ["oauth2-client", "OAuth 2.0, client credentials"], ["oauth2-code", "OAuth 2.0, a person signs in with the browser"],
    ["none", "Nothing: the API needs no key"],
];
/** What else a kind of sign-in needs: the name in the request, the title, a hint, whether it may be left out. */
const FURTHER = {
  "api-key": [["key_header", "Header of the key", "X-API-Key", true]],
  "oauth2-client": [["token_url", "Address of the token server", "https://login.example.com/token"]],
  "oauth2-code": [["authorize_url", "Address of the sign-in page", "https://login.example.com/authorize"],
    ["token_url", "Address of the token server", "https://login.example.com/token"]],
};

/** `made(name, answer)` is called when the connector is written. */
export function newConnector({ taken, made }) {
  const told = el("div", { role: "status" });
  const name = textField({ title: "Name", placeholder: "acme-library",
    about: "Small letters, digits and hyphens. Calls and batch files name the connector by it." });
  const base = textField({ title: "Address of the API", placeholder: "https://api.example.com/v2",
    about: "What all its paths begin with." });
  const auth = el("select", { id: "new-auth" }, SIGN_INS.map(([value, text]) => el("option", { value }, text)));
  const further = el("div", {});
  let more = [];
  const drawFurther = () => {
    more = (FURTHER[auth.value] ?? []).map(([key, text, placeholder, optional]) => [key,
      textField({ title: text, placeholder, optional }), optional]);
    fill(further, more.map(([, own]) => own.node));
  };
  auth.addEventListener("change", drawFurther);
  drawFurther();
  const make = async () => {
    fill(told);
    const needed = [[name, "give it a name"],
      [base, "the address is on the first page of the API's documentation"],
      ...more.filter(([, , optional]) => !optional).map(([, own]) => [own,
        "this kind of sign-in needs it"])].filter(([own]) => !own.value());
    needed.forEach(([own, message]) => own.faults([{ message }]));
    if (needed.length) return needed[0][0].focus();
    if (taken.includes(name.value())) { name.faults([{ message: "a connector has this name" }]); return name.focus(); }
    button.disabled = true;
    try {
      const others = Object.fromEntries(more.map(([key, own]) => [key, own.value()]).filter(([, value]) => value));
      const answer = await post("connectors/new", { connector: name.value(), base_url: base.value(), auth: auth.value, ...others });
      if (answer.exit_code !== 0) return fill(told, commandFailure(answer, "It was not written"));
      tell(`The connector ${name.value()} is written`);
      await made(name.value(), answer);
    } catch (cause) {
      fill(told, failure(cause, "It was not written"));
    } finally {
      button.disabled = false;
    }
    return undefined;
  };
  const button = el("button", { type: "submit", class: "main" }, "Write the connector");
  return el("form", { class: "narrow", onsubmit: (event) => { event.preventDefault(); make(); } }, name.node, base.node,
    el("div", { class: "field" }, el("label", { for: "new-auth" }, "Sign-in"),
      el("p", { class: "about" }, prose("What the documentation says about keys or tokens.")),
      el("div", { class: "value" }, auth)), further, told, el("div", { class: "bar" }, button));
}
