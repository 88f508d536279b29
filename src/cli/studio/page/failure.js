// What went wrong, in words: the message, what to do, and the single faults.
import { el, visible } from "./dom.js";

/** A text in which `words in backticks` are shown as code. */
export const prose = (text) => visible(text).split(/`([^`]+)`/).map((part, at) => (at % 2 === 1 ? el("code", {}, part) : part));

const words = (advice) => (typeof advice === "string" ? advice : JSON.stringify(advice));

/** Where a fault is: `file:line:column` or the field, as far as it is known. */
export function place(fault) {
  const line = fault.line ? `${fault.file ? `${fault.file}:` : "line "}${fault.line}${fault.column ? `:${fault.column}` : ""}` : fault.file;
  return [line, fault.field].filter(Boolean).join(" ");
}

/** A block that says what failed. `title` is what was tried. */
export function failure(cause, title) {
  const error = cause.error ?? { message: cause.message };
  const others = (error.faults ?? []).filter((fault) => fault.message !== error.message);
  return el("div", { class: "failure block", role: "alert" },
    title && el("strong", {}, title),
    el("p", { dir: "auto" }, prose(error.message)),
    place(error.place ?? {}) && el("p", { class: "small" }, el("code", {}, visible(place(error.place)))),
    error.advice && el("p", { class: "advice", dir: "auto" }, prose(words(error.advice))),
    others.length > 0 && el("ul", {}, others.slice(0, 50).map((fault) => el("li", { dir: "auto" },
      place(fault) && el("code", {}, visible(place(fault))), " ", prose(fault.message),
        fault.advice && [" – ", prose(words(fault.advice))]))),
    others.length > 50 && el("p", { class: "small" }, `and ${others.length - 50} more`));
}

/** What a command of opnode has said that did not succeed: its errors, and what it has printed. */
export function commandFailure(answer, title) {
  const errors = answer.errors?.length ? answer.errors : [{ message: `the exit code is ${answer.exit_code}` }];
  return [...errors.map((error) => failure({ error }, title)), answer.output
    && el("pre", { tabindex: 0, "aria-label": "Output" }, visible(answer.output))];
}
