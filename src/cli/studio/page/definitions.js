// The files of a connector in the editor: faults while typing, and saving without losing what another program has written.
import { el, fill, tell, visible } from "./dom.js";
import { get, post } from "./api.js";
import { dialog } from "./dialog.js";
import { editor } from "./editor.js";
import { failure } from "./failure.js";
import { textView } from "./textview.js";

const OVERRIDES = "overrides.yaml";
/** What a new file of overrides begins with. */
const BEGIN = "# Changes of imported files: by OperationId, record name or pattern. `opnode guide` explains.\nversion: 1\noperations: {}\n";
/** The faults and hints of a text; a text that cannot be read has one fault. */
async function checked(path, text, signal) {
  try {
    return await post("definitions/check", { path, text }, signal);
  } catch (cause) {
    if (!cause.error?.place?.line) throw cause;
    return { faults: [{ ...cause.error.place, message: cause.message, advice: cause.error.advice }], hints: [] };
  }
}

/** Texts that were not saved when their editor was left, by path, with the digest of the file then. */
const kept = new Map();
const warn = (event) => event.preventDefault();
const short = (path) => path.split(/[\\/]/).slice(-1)[0];

/**
 * An editor of the files of a connector; `saved()` is called after each save.
 * Returns the node, `isDirty()`, `show(path)` and `leave()`.
 */
export function definitionFiles(connector, saved) {
  const files = el("select", { "aria-label": "File" });
  const place = el("code", { class: "small" });
  const shown = el("div", {}), told = el("div", { role: "status" });
  const save = el("button", { type: "button", class: "main", disabled: true, onclick: () => write() }, "Save");
  const bar = el("div", { class: "bar" }, files, place, el("span", { class: "end" }, save));
  const node = el("div", { class: "definitions" }, bar, told, shown);
  let own = null, file = null, isDirty = false, imported = false, fresh = null;
  const dirty = (now) => {
    isDirty = now;
    if (now) addEventListener("beforeunload", warn);
    else removeEventListener("beforeunload", warn);
    save.disabled = !now;
    save.textContent = now ? "Save" : "Saved";
  };

  async function load(path) {
    own?.leave?.();
    own = null;
    fill(told);
    dirty(false);
    try {
      file = path === fresh ? { path, text: BEGIN, digest: null } : await get(`file?path=${encodeURIComponent(path)}`);
    } catch (cause) {
      return fill(shown, failure(cause, "The file cannot be read"));
    }
    fill(place, visible(file.path ?? path));
    const known = [...files.options].find((option) => option.value === path);
    if (known?.dataset.own === "false") {
      save.hidden = true;
      return fill(shown, el("p", { class: "small" }, "This file is part of opnode and cannot be changed here."), textView(file.text, path));
    }
    save.hidden = false;
    const left = kept.get(path);
    kept.delete(path);
    if (left) file.digest = left.digest;
    own = editor({
      text: left?.text ?? file.text, label: `Definition ${path}`, save: () => write(),
      change: () => dirty(own !== null && own.text() !== file.text),
      check: (text, signal) => checked(path, text, signal),
    });
    if (left) dirty(true);
    if (path === fresh) {
      save.disabled = false;
      save.textContent = "Save";
    }
    const isImported = imported && ![OVERRIDES, "import.yaml"].includes(short(path));
    return fill(shown, isImported && el("p", { class: "warning" }, `This file is imported. Write changes into ${OVERRIDES}: `
      + "a newer description replaces this file."), own.node, el("div", { class: "bar" }, own.status, own.keys), own.list);
  }

  /** Writes the text. If the file has changed since, nothing is written before the person has chosen. */
  async function write() {
    if (!own || (!isDirty && file.digest !== null)) return;
    const text = own.text();
    save.disabled = true;
    try {
      const { digest } = await post("file", { path: file.path, text, digest: file.digest });
      file = { ...file, text, digest };
      if (file.path === fresh) fresh = null;
      fill(told);
      dirty(own.text() !== text);
      tell(`${file.path} is saved`);
      saved?.();
    } catch (cause) {
      save.disabled = false;
      if (cause.error?.kind !== "state") return fill(told, failure(cause, "It was not saved"));
      fill(told, el("div", { class: "failure block", role: "alert" },
        el("p", {}, "Another program has changed the file since it was opened here."),
        el("div", { class: "bar" }, el("button", { type: "button", onclick: () => keepMine() }, "Keep mine"),
          el("button", { type: "button", onclick: () => load(file.path) }, "Take theirs"))));
    }
    return undefined;
  }
  async function keepMine() {
    try {
      file.digest = (await get(`file?path=${encodeURIComponent(file.path)}`)).digest;
      await write();
    } catch (cause) {
      fill(told, failure(cause, "It was not saved"));
    }
  }
  const leaveChanges = async () => !isDirty || (await dialog("Leave without saving?",
    [el("p", {}, `The changes of ${visible(file.path)} are not saved.`)],
    [["Stay", "", "main"], ["Leave", "leave", ""]])) === "leave";
  files.addEventListener("change", async () => {
    if (await leaveChanges()) return load(files.value);
    files.value = file.path;
    return undefined;
  });

  /** Ends the editor; what is not saved is there again when the file is opened. */
  function leave() {
    if (own && isDirty) kept.set(file.path, { text: own.text(), digest: file.digest });
    dirty(false);
    own?.leave();
    own = null;
  }

  /** Reads the list of files, and opens `path`, or the first one. */
  async function show(path) {
    if (!(await leaveChanges())) return;
    try {
      const known = (await get(`definitions/${encodeURIComponent(connector)}`)).files;
      const source = known.find((one) => short(one.path) === "import.yaml");
      imported = source !== undefined;
      fresh = imported && !known.some((one) => short(one.path) === OVERRIDES) ? source.path.replace(/import\.yaml$/, OVERRIDES) : null;
      if (fresh) known.push({ path: fresh, own: true, isNew: true });
      fill(files, known.map((one) => el("option", { value: one.path, "data-own": String(one.own) },
        `${visible(short(one.path))}${one.isNew ? " (new)" : one.own ? "" : " (part of opnode)"}`)));
      const chosen = known.find((one) => one.path === path || (path && (one.path.endsWith(path)
        || path.endsWith(one.path)))) ?? known.find((one) => one.own) ?? known[0];
      bar.hidden = !chosen;
      if (!chosen) return fill(shown, el("p", { class: "small" }, "The connector has no files here."));
      files.value = chosen.path;
      await load(chosen.path);
    } catch (cause) {
      fill(shown, failure(cause, "The files cannot be listed"));
    }
    return undefined;
  }
  return { node, show, isDirty: () => isDirty, leave };
}
