// How a hit of the search is shown, and why it was found, in words.
import { el, marked, visible } from "./dom.js";

export const METHODS = { query: "Read", mutate: "Write", delete: "Delete" };

/** The method of an operation as a badge. */
export const methodBadge = (method) =>
  el("span", { class: `badge method ${method}` }, METHODS[method] ?? method);

const PLACES = {
  path: () => "in the path",
  method: () => "what it does",
  template: (name) => (name ? `in the template ${name}` : "in a template"),
  record: (name) => (name ? `the record ${name}` : "the record"),
  option: (name) => `the option ${name ?? ""}`,
  field: (name) => `the field ${name ?? ""}`,
  connector: () => "the connector",
  operation: () => "the operation",
  description: () => "in the description",
  text: (name) => (name ? `in the description of ${name}` : "in a description"),
};

/** Why a hit was found; what its title shows needs no words. */
export function reason(hit) {
  const parts = [];
  for (const why of hit.why ?? []) {
    const place = PLACES[why.in]?.(why.name).trim();
    if (why.as === "typo") parts.push(`“${why.word}” read as “${why.found}”${place ? `, ${place}` : ""}`);
    else if (why.as === "synonym" && why.word !== why.found) parts.push(`“${why.word}” means “${why.found}”${place ? `, ${place}` : ""}`);
    else if (place) parts.push(`“${why.word}”: ${place}`);
  }
  if (hit.missing?.length > 0) parts.push(`without ${hit.missing.map((word) => `“${word.word ?? word}”`).join(", ")}`);
  return parts.join("; ");
}

/** The address of a hit. */
export const address = (hit) =>
  `#/operations/${[hit.connector, hit.operation, hit.template].filter(Boolean).map(encodeURIComponent).join("/")}`;

/** What the row of a hit has. */
export function hitParts(hit, titles) {
  const words = (hit.why ?? []).flatMap((why) => [why.found, why.word]);
  const why = reason(hit);
  return [
    el("span", { class: "hit-title" }, el("strong", { dir: "auto" }, marked(visible(hit.title ?? hit.operation), words)), methodBadge(hit.method)),
    el("span", { class: "hit-id" }, hit.template && el("span", { class: "hit-template" }, "Template"),
      el("span", {}, marked(hit.template ?? hit.operation, words)), el("span", { class: "hit-system" }, titles.get(hit.connector) ?? hit.connector)),
    why ? el("span", { class: "hit-why", title: why }, why) : el("span", { class: "hit-why" }, visible(hit.summary ?? hit.description ?? "")),
  ];
}
