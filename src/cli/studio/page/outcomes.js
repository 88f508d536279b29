// What became of each item, with a filter, and what can be sent again.
import { el, fill, count, visible } from "./dom.js";
import { outcomeBar } from "./chart.js";
import { dialog } from "./dialog.js";
import { virtual } from "./virtual.js";

const NAMES = { ok: ["good", "ok"], failed: ["bad", "failed"], unknown: ["warn", "in doubt"], skipped: ["", "not sent"] };

/** `items` are those that were sent; `retry(list)` fills them into the form. */
export function outcomes(items, system, retry) {
  const all = [];
  let kind = "";
  const bar = outcomeBar(items.length);
  const space = el("div", { class: "space" });
  const view = el("div", { class: "outcomes fades", tabindex: 0, role: "region", "aria-label": "Outcomes of the items", hidden: true }, space);
  const text = (own) => (own.error ? visible(own.error.message) : own.http_status ? `status ${own.http_status}${own.location ? `, ${visible(own.location)}` : ""}` : "");
  const list = virtual(view, space, {
    height: () => 36,
    draw: (own) => el("div", { class: "outcome" }, el("span", { class: "item-at" }, `item ${own.index + 1}`),
      el("span", { class: `badge ${NAMES[own.status]?.[0] ?? ""}` }, NAMES[own.status]?.[1] ?? own.status),
      el("span", { class: "text", dir: "auto", title: text(own) }, text(own)),
      el("button", { type: "button", class: "quiet", "aria-label": `Details of item ${own.index + 1}`, onclick: () => details(own) }, "Details")),
  });
  const details = (own) => dialog(`Item ${own.index + 1}: ${NAMES[own.status]?.[1] ?? own.status}`, [
    own.error && el("p", {}, visible(own.error.message)), typeof own.error?.advice === "string" && el("p", { class: "small" }, visible(own.error.advice)),
    el("h4", {}, "Item"), el("pre", { tabindex: 0 }, visible(JSON.stringify(items[own.index] ?? null, null, 2))),
    el("h4", {}, "Outcome"), el("pre", { tabindex: 0 }, visible(JSON.stringify(own, null, 2)))]);
  const filter = el("select", { "aria-label": "Outcomes that are shown", onchange: () => { kind = filter.value; draw(); } });
  const again = el("span", { class: "bar" });
  const line = el("div", { class: "bar", hidden: true }, filter, again);
  const of = (...kinds) => all.filter((own) => kinds.includes(own.status));
  const draw = () => {
    const shown = kind ? of(kind) : all;
    view.style.height = `${Math.min(shown.length, 9) * 36 + 2}px`;
    list.set(shown, true);
  };
  const send = (found) => retry(found.map((own) => items[own.index]).filter((own) => own !== undefined));
  const risky = async (found) => {
    const done = await dialog("These items may have arrived", [
      el("p", {}, `It is not known whether ${count(found.length, "item")} arrived at ${system}. If one did, sending it again does it twice: a record may be created a second time.`),
      el("p", {}, `Look in ${system} first. Only then fill them into the form.`)],
    [["Cancel", "", ""], ["Fill them in all the same", "yes", "bad"]]);
    if (done === "yes") send(found);
  };
  return {
    node: el("div", {}, bar.node, line, view),
    add: (more, counts) => {
      all.push(...more);
      bar.set(counts);
      if (more.length === 0) return;
      view.hidden = false;
      draw();
    },
    end: () => {
      const kinds = Object.keys(NAMES).filter((own) => of(own).length > 0);
      line.hidden = false;
      filter.hidden = kinds.length < 2;
      fill(filter, el("option", { value: "" }, "All outcomes"), kinds.map((own) => el("option", { value: own }, `${NAMES[own][1]} (${of(own).length})`)));
      const failed = of("failed", "skipped"), unknown = of("unknown");
      if (failed.length > 0) { kind = filter.value = kinds.includes("failed") ? "failed" : "skipped"; if (kinds.length < 2) kind = ""; draw(); }
      fill(again, failed.length > 0 && el("button", { type: "button", onclick: () => send(failed) }, 
        `Retry the failed${of("skipped").length > 0 ? " and those not sent" : ""} (${failed.length})`),
        unknown.length > 0 && el("button", { type: "button", class: "bad", onclick: () => risky(unknown) }, `Retry those in doubt (${unknown.length}) …`));
      line.hidden = filter.hidden && again.childElementCount === 0;
    },
    stop: () => list.stop(),
  };
}
