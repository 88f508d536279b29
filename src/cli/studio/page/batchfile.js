// The file of the batch view: opened, kept while it is not saved, saved only if no other program has changed it.
import { el, fill, tell, calm } from "./dom.js";
import { get, post } from "./api.js";
import { dialog } from "./dialog.js";
import { diffView } from "./diff.js";

const key = (folder, path) => `opnode-batch:${folder}:${path}`;
const stored = (name) => {
  try {
    return JSON.parse(localStorage.getItem(name));
  } catch {
    return null;
  }
};
const store = (name, value) => {
  try {
    value === null ? localStorage.removeItem(name) : localStorage.setItem(name, JSON.stringify(value));
  } catch {
    /* The browser keeps nothing: saving still works. */
  }
};

/** The text of a file of the folder. */
export const read = (path) => get(`file?path=${encodeURIComponent(path)}`);

/**
 * Keeps a file. `text()` is what the editor has, `put(text)` replaces it as if typed,
 * `refresh(text)` without a way back. `told(state)` gets "saved", "unsaved", "saving" or "conflict".
 * `banner` is where a change by another program is told.
 */
export function batchFile({ folder, text, put, refresh, told, banner }) {
  let path = null,
    base = null,
    name = null,
    isAsking = false;
  const isChanged = () => base !== null && text() !== base.text;
  const keep = () => store(name, isChanged() ? { text: text(), digest: base.digest } : null);
  const keepSoon = calm(() => {
    if (path !== null) keep();
  }, 300);
  const tellState = () => told(isChanged() ? "unsaved" : "saved");

  async function open(next) {
    path = next;
    name = key(folder, path);
    const found = await read(path);
    const draft = stored(name);
    fill(banner);
    if (!draft || draft.text === found.text) {
      base = found;
      store(name, null);
      return found.text;
    }
    base = draft.digest === found.digest ? found : { text: found.text, digest: draft.digest };
    if (draft.digest !== found.digest) conflict(found);
    return draft.text;
  }
  function conflict(theirs) {
    const keepMine = async () => {
      base = theirs;
      fill(banner);
      await save();
    };
    const takeTheirs = () => {
      base = theirs;
      fill(banner);
      put(theirs.text);
      keep();
      tellState();
      tell("The file was loaded again.");
    };
    const look = async () => {
      const answer = await dialog(
        "Mine and theirs",
        diffView(theirs.text, text(), ["theirs", "mine"]),
        [
          ["Close", "", ""],
          ["Take theirs", "theirs", ""],
          ["Keep mine", "mine", "main"],
        ],
        "wide",
      );
      if (answer === "mine") await keepMine();
      if (answer === "theirs") takeTheirs();
    };
    told("conflict");
    fill(
      banner,
      el(
        "div",
        { class: "failure block", role: "alert" },
        el("p", {}, el("strong", {}, "Another program has changed this file."), " Your changes are not lost."),
        el(
          "div",
          { class: "bar" },
          el("button", { type: "button", onclick: look }, "See the difference"),
          el("button", { type: "button", onclick: takeTheirs }, "Take theirs"),
          el("button", { type: "button", onclick: keepMine }, "Keep mine"),
        ),
      ),
    );
  }
  /** Saves; true if the file has the text of the editor now. */
  async function save() {
    if (path === null) return false;
    if (!isChanged()) {
      tellState();
      return true;
    }
    const mine = text();
    told("saving");
    try {
      const { digest } = await post("file", { path, text: mine, digest: base.digest });
      base = { path, text: mine, digest };
      fill(banner);
      keep();
      tellState();
      tell("Saved");
      return true;
    } catch (fault) {
      tellState();
      if (fault.error?.kind === "state") {
        const theirs = await read(path).catch(() => null);
        if (theirs && theirs.digest !== base.digest) {
          conflict(theirs);
          return false;
        }
      }
      fill(
        banner,
        el(
          "div",
          { class: "failure block", role: "alert" },
          el("strong", {}, "Not saved: "),
          fault.message,
          fault.error?.advice && el("p", {}, String(fault.error.advice)),
        ),
      );
      return false;
    }
  }
  /** Looks whether another program has changed the file while the page was not looked at. */
  async function look() {
    if (path === null || isAsking || base === null) return;
    isAsking = true;
    try {
      const own = path,
        theirs = await read(own);
      if (own !== path || theirs.digest === base.digest || banner.childElementCount > 0) return;
      if (isChanged()) return conflict(theirs);
      base = theirs;
      refresh(theirs.text);
      tellState();
      tell("Another program has changed the file; it was loaded again.");
    } catch {
      /* The file may be gone: saving says so. */
    } finally {
      isAsking = false;
    }
  }
  const back = () => {
    if (document.visibilityState === "visible") look();
  };
  addEventListener("focus", back);
  return {
    open,
    save,
    isChanged,
    path: () => path,
    changed: () => {
      tellState();
      keepSoon();
    },
    leave: () => {
      if (path !== null && base) keep();
      removeEventListener("focus", back);
    },
  };
}
