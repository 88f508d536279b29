// Writing a connector in steps on one page: connector, connection, raw call, operation, its definition, and the first run.
import { el, fill, reveal, tell, visible } from "./dom.js";
import { get, post } from "./api.js";
import { dialog } from "./dialog.js";
import { commandFailure, failure } from "./failure.js";
import { connectionForm, textField } from "./connectionform.js";
import { definitionFiles } from "./definitions.js";
import { newConnector } from "./newconnector.js";
import { rawCall } from "./rawcall.js";
import { test, testResult } from "./connectiontests.js";

const STEPS = ["Connector", "Connection", "Raw call", "Operation", "Definition", "Run"];
const empty = () => ({ connector: "", connection: "", call: { verb: "GET", path: "", headers: [], body: "" }, sent: null, id: "",
  file: null, output: "", isSaved: false });
/** What has been done; it stays when the view is left. */
let draft = empty();

/** `GET /v1/books/{id}` is proposed as getBook, `GET /books` as listBooks. */
function proposedId(verb, path) {
  const parts = path.split(/[?#]/)[0].split("/").filter(Boolean);
  const isOne = /^(\{.*\}|\d+|[\da-f-]{16,})$/i.test(parts.at(-1) ?? "");
  const noun = parts.filter((part) => !/^(\{.*\}|\d+|[\da-f-]{16,}|v\d+)$/i.test(part)).at(-1) ?? "things";
  const name = noun.replace(/\.\w+$/,
    "").split(/[^A-Za-z\d]+/).filter(Boolean).map((word) => word[0].toUpperCase() + word.slice(1)).join("");
  const single = name.replace(/ies$/, "y").replace(/([^s])s$/, "$1");
  const known = { GET: isOne ? "get" : "list", POST: "create", PUT: "replace", PATCH: "update", DELETE: "delete" }[verb] ?? "call";
  return `${known}${known === "list" ? name : single}`;
}

export async function authorPage({ root, context, preset, path }) {
  if (preset && preset !== draft.connector) draft = { ...empty(), connector: preset };
  const about = () => context.about;
  const connectors = async () => (await get("connectors").catch(() => null))?.connectors ?? about().connectors;
  let files = null;
  const marks = STEPS.map((name, at) => el("li", {}, el("a", { href: `#step-${at + 1}`,
    onclick: (event) => { event.preventDefault(); reach(at); } },
    el("span", { class: "mark", "aria-hidden": "true" }, String(at + 1)), name, el("span", { class: "unseen" }))));
  const bodies = STEPS.map(() => el("div", { class: "step-body" }));
  const sections = STEPS.map((name, at) => el("section", { class: "step card", "aria-labelledby": `step-${at + 1}` },
    el("h3", { id: `step-${at + 1}`, tabindex: -1 }, el("span", { class: "mark", "aria-hidden": "true" }, String(at + 1)), name),
      bodies[at]));
  const reach = (at) => {
    const head = sections[at].querySelector("h3");
    head.focus({ preventScroll: true });
    reveal(head);
  };
  const marked = () => {
    const done = [draft.connector, draft.connection, draft.sent, draft.isSaved, draft.isSaved, false].map(Boolean);
    done.forEach((isDone, at) => {
      marks[at].classList.toggle("done", isDone);
      sections[at].classList.toggle("done", isDone);
      marks[at].querySelector(".unseen").textContent = isDone ? " (done)" : "";
    });
  };
  const later = (at, text) => {
    sections[at].classList.add("later");
    fill(bodies[at], el("p", { class: "small" }, text));
  };
  const put = (at, ...content) => {
    sections[at].classList.remove("later");
    fill(bodies[at], ...content);
  };

  async function connectorStep() {
    const all = await connectors();
    const own = all.filter((one) => one.own), built = all.filter((one) => !one.own);
    const options = (list) => list.map((one) => el("option", { value: one.connector }, visible(one.title ?? one.connector)));
    const select = el("select", { id: "author-connector" }, el("option", { value: "" }, "A new connector"),
      own.length > 0 && el("optgroup", { label: "Your connectors" }, options(own)),
        el("optgroup", { label: "Part of opnode" }, options(built)));
    select.value = all.some((one) => one.connector === draft.connector) ? draft.connector : "";
    const below = el("div", {});
    const chosen = () => fill(below, select.value === "" && newConnector({ taken: all.map((one) => one.connector),
      made: async (name, answer) => {
      context.about = await get("about").catch(() => context.about);
      draft = { ...empty(), connector: name, output: answer.output };
      await drawAll();
      reach(1);
    } }), draft.output && select.value === draft.connector && select.value !== "" && !draft.file
      && el("pre", { tabindex: 0, "aria-label": "What was written" }, visible(draft.output)));
    select.addEventListener("change", async () => {
      draft = { ...empty(), connector: select.value };
      chosen();
      await rest();
    });
    put(0, el("div", { class: "field narrow" }, el("label", { for: "author-connector" }, "Which connector"), el("p", { class: "about" },
      "Choose the one that gets the operation, or write a new one. Do you have an OpenAPI document, a Postman collection, "
        + "a HAR file or curl lines? ",
      el("a", { href: "#/connectors/~import" }, "Import it"), "."), el("div", { class: "value" }, select)), below);
    chosen();
  }

  async function connectionStep() {
    if (!draft.connector) return later(1, "First choose or write the connector.");
    const { file, connections } = await get("connections");
    const known = connections.filter((own) => own.connector === draft.connector);
    const names = known.map((own) => own.connection);
    if (!names.includes(draft.connection)) draft.connection = names[0] ?? "";
    const told = el("div", { role: "status" }), below = el("div", { class: "narrow" });
    const form = async (own) => {
      const save = el("button", { type: "submit", class: "main", onclick: async () => {
        const name = await made.save();
        if (name === null) return;
        context.about = await get("about").catch(() => context.about);
        draft.connection = name;
        await rest();
        reach(2);
      } }, "Save the connection");
      const made = await connectionForm({ known: own, connector: draft.connector, given: connections.map((one) => one.connection), file,
        buttons: [save] });
      fill(below, made.node);
    };
    if (known.length === 0) {
      put(1, el("p", { class: "small" }, "It has no connection yet. A connection says how calls are signed."), below);
      return form(null);
    }
    const chosen = () => known.find((own) => own.connection === draft.connection);
    const isOpen = (own) => Object.values(own.values).some((value) => value.is_set === false);
    const look = () => {
      fill(below);
      fill(told, isOpen(chosen())
        && el("p", { class: "warning" },
        "A variable that it names is not set. Give the secret here, or start opnode studio with the variable."));
      return isOpen(chosen()) ? form(chosen()) : undefined;
    };
    const select = el("select", { id: "author-connection", onchange: () => { draft.connection = select.value; look(); } },
      names.map((name) => el("option", { value: name }, visible(name))));
    select.value = draft.connection;
    const tryIt = el("button", { type: "button", onclick: async () => {
      fill(told, el("p", { class: "waiting" }, "Calling the system …"));
      await test(draft.connection);
      fill(told, testResult(draft.connection));
    } }, "Test");
    const edit = el("button", { type: "button", onclick: () => (below.firstChild ? fill(below) : form(chosen())) }, "Edit");
    put(1, el("div", { class: "field narrow" }, el("label", { for: "author-connection" }, "Which connection"),
      el("p", { class: "about" }, "Calls are signed with it."), el("div", { class: "value" }, select, tryIt, edit)), told, below);
    return look();
  }

  function callStep() {
    if (!draft.connection) return later(2, "First make the connection.");
    const form = rawCall({ draft: draft.call, connection: () => draft.connection, replied: (call) => {
      draft.sent = call;
      draft.isSaved = false;
      draft.id = proposedId(call.verb, call.path);
      operationStep();
      marked();
    } });
    return put(2, el("p", { class: "small" },
      "Send one request with the sign-in and the limits of the connection. A GET is sent at once; anything else shows its plan first."),
      form);
  }

  function operationStep() {
    if (!draft.sent) return later(3, "First send a raw call that succeeds.");
    const told = el("div", { role: "status" });
    const id = textField({ title: "OperationId", value: draft.id,
      about: "Verb and noun, plural for lists: listBooks, getBook, createBook." }, () => { draft.id = id.value(); });
    const title = textField({ title: "Title", optional: true, placeholder: "List books" });
    const isRead = draft.sent.verb === "POST" && el("input", { type: "checkbox", id: "only-reads" });
    const isWrite = () => !["GET", "HEAD"].includes(draft.sent.verb) && !isRead?.checked;
    const agreed = async () => !isWrite() || (await dialog(`This sends to ${visible(draft.sent.connection)} again`, [el("p", {},
      "The reply is needed to write the operation. The system gets ", el("code", {}, visible(`${draft.sent.verb} ${draft.sent.path}`)),
        " a second time.")],
    [["Do not send", "", ""], [`Send to ${visible(draft.sent.connection)}`, "send", "main"]])) === "send";
    const propose = async () => {
      if (!id.value()) { id.faults([{ message: "the operation needs an id" }]); return id.focus(); }
      if (!(await agreed())) return undefined;
      button.disabled = true;
      fill(told, el("p", { class: "waiting" }, "Trying the call, its pages and its records …"));
      try {
        const answer = await post("calls/save", { ...draft.sent, id: id.value(), title: title.value() || null,
          method: isRead?.checked ? "query" : null });
        if (answer.exit_code !== 0) fill(told, commandFailure(answer, "No operation was written"));
        else await written(answer, told, id.value());
      } catch (cause) {
        fill(told, failure(cause, "No operation was written"));
      }
      button.disabled = false;
      return undefined;
    };
    const button = el("button", { type: "submit", class: "main" }, "Propose the operation");
    return put(3, el("p", { class: "small" }, el("code", { class: "badge" }, `${draft.sent.verb} ${visible(draft.sent.path)}`),
      isWrite() ? " is sent again; you are asked first. " : " is sent again, and its next pages are tried. ",
      "Options, paging, items and fields are taken from the request and the reply; each guess says why."),
    el("form", { class: "narrow", onsubmit: (event) => { event.preventDefault(); propose(); } }, id.node, title.node,
      isRead && el("div", { class: "check-line" }, isRead, el("label", { for: "only-reads" }, "This POST only reads")),
        el("div", { class: "bar" }, button)), told);
  }

  async function written({ output }, told, id) {
    const file = /\S+\.ya?ml/.exec(output)?.[0] ?? "";
    Object.assign(draft, { file, id, isSaved: true });
    context.about = await get("about").catch(() => context.about);
    fill(told, el("p", { class: "success" }, "The operation ", el("strong", {}, visible(id)), " is written. Read what was guessed:"),
      output && el("pre", { tabindex: 0, "aria-label": "Report" }, visible(output)));
    tell(`The operation ${id} is written`);
    await Promise.all([definitionStep(file), runStep()]);
  }

  async function definitionStep(file) {
    files?.leave();
    files = null;
    if (!draft.connector) return later(4, "First choose or write the connector.");
    files = definitionFiles(draft.connector, async () => {
      draft.isSaved = true;
      context.about = await get("about").catch(() => context.about);
      await runStep();
    });
    put(4, el("p", { class: "small" }, "Correct what a single reply cannot show. Faults are marked as you type."), files.node);
    await files.show(file ?? draft.file ?? undefined);
    return marked();
  }

  async function runStep() {
    marked();
    if (!draft.connector) return later(5, "First choose or write the connector.");
    const link = (id) => `#/operations/${encodeURIComponent(draft.connector)}/${encodeURIComponent(id)}`;
    const { hits } = await post("search", { text: "", connectors: [draft.connector], method: null, tag: null,
      limit: 500 }).catch(() => ({ hits: [] }));
    const others = hits.filter((hit) => !hit.template && hit.operation !== draft.id).slice(0, 12);
    return put(5,
      draft.isSaved && draft.id ? el("div", { class: "bar" }, el("a", { class: "button main", href: link(draft.id) },
        `Run ${visible(draft.id)}`),
        el("span", { class: "small" }, "opens its form; try it on the sandbox, then on the connection"))
        : others.length === 0 && el("p", { class: "small" }, "The connector has no operation yet."),
      others.length > 0 && el("ul", { class: "links" }, others.map((hit) => el("li", {},
        el("a", { href: link(hit.operation), dir: "auto" }, visible(hit.title ?? hit.operation)),
        " ", el("span", { class: "small" }, visible(hit.operation))))));
  }

  async function rest() {
    await connectionStep();
    callStep();
    operationStep();
    await Promise.all([definitionStep(path), runStep()]);
    marked();
  }
  async function drawAll() {
    await connectorStep();
    await rest();
  }
  fill(root, el("a", { class: "back", href: "#/connectors" }, "All connectors"),
    el("div", { class: "setup-head" }, el("h2", { tabindex: -1 }, "Write a connector")),
    el("p", { class: "small" }, "From the documentation of an API to an operation that runs, in six steps."),
    el("div", { class: "author" }, el("nav", { class: "steps", "aria-label": "Steps" }, el("ol", {}, marks)),
      el("div", { class: "step-list" }, sections)));
  await drawAll();
  return { isDirty: () => files?.isDirty() ?? false, stop: () => files?.leave() };
}
