// A run: progress, rows, the receipt in words, outcomes, pictures.
import { el, fill, visible, count, tell } from "./dom.js";
import { follow, post } from "./api.js";
import { chart } from "./chart.js";
import { outcomes } from "./outcomes.js";
import { seconds, verdict, words } from "./receipt.js";
import { table } from "./table.js";

/**
 * `about` is { details, stale, items, system, retry, arrived }; `arrived()` is called when there is
 * something to look at. Returns a function that ends and forgets the run. */
export function result(pane, run, { details, stale, items, system, retry, arrived }) {
  const writes = details.method !== "query";
  const rows = table(run);
  const picture = chart();
  const each = writes && items.length > 0 ? outcomes(items, system, retry) : null;
  const badge = el("span", { class: "badge on" }, "Running");
  const told = el("span", {});
  const bar = el("progress", { "aria-label": "Progress" });
  const receipt = el("p", { class: "receipt small" });
  const failure = el("div", { class: "failure", role: "alert", hidden: true });
  const nothing = el("div", { class: "empty", hidden: true });
  const stop = el("button", { type: "button", class: "end", title: "Ctrl .", onclick: () => { stop.disabled = true; post(`runs/${run}/cancel`, {}).catch(() => {}); } }, "Cancel");
  const keys = (event) => { if (event.ctrlKey && event.key === "." && !stop.disabled) { event.preventDefault(); stop.click(); } };
  document.addEventListener("keydown", keys);
  fill(pane, el("div", { class: "result-head" }, el("h3", {}, "Result"), badge, told, stale, stop), bar, failure,
    el("div", { class: "fades" }, receipt, picture.node), each?.node, nothing, rows.node);
  let hasArrived = false;
  const show = (state) => {
    const { ok, failed, unknown, skipped } = state.outcomes;
    const done = writes && items.length > 0 ? ok + failed + unknown + skipped : state.rows;
    const whole = writes && items.length > 0 ? items.length : state.total;
    told.textContent = writes && items.length > 0
      ? `${done.toLocaleString("en")} of ${count(items.length, "item")}`
      : `${count(state.rows, "row")}${whole && !state.is_ended ? ` of ${whole.toLocaleString("en")}` : ""}${state.pages > 0 ? ` in ${count(state.pages, "page")}` : ""}`;
    if (whole) { bar.max = whole; bar.value = Math.min(done, whole); }
    if (state.new_pages.length > 0) picture.add(state.new_pages, state.at);
    each?.add(state.new_outcomes, state.outcomes);
    rows.grow(state.rows, state.is_ended);
    if (!hasArrived && (done > 0 || state.is_ended)) { hasArrived = true; requestAnimationFrame(arrived); }
    if (!state.is_ended) { receipt.textContent = `${seconds(state.at)} so far`; return; }
    end(state);
  };
  const end = (state) => {
    stop.hidden = true;
    stop.disabled = true;
    bar.hidden = true;
    const [tone, text] = verdict(state, writes);
    badge.className = `badge ${tone}`;
    badge.textContent = text;
    receipt.textContent = state.receipt ? words(state.receipt, state.error?.kind === "cancelled" && !writes) : "";
    each?.end();
    nothing.hidden = writes || state.rows > 0 || Boolean(state.error);
    fill(nothing, el("h3", {}, "No rows"), el("p", {}, "The call worked, and nothing fits its options."));
    const { error } = state;
    failure.hidden = !error || (each !== null && error.kind === "partial");
    if (error) {
      fill(failure, el("strong", {}, visible(error.message)), typeof error.advice === "string" && el("p", {}, visible(error.advice)),
        el("details", {}, el("summary", { class: "small" }, `Details (${error.kind})`), el("pre", { tabindex: 0 }, visible(JSON.stringify(error, null, 2)))));
    }
    tell(`${text}. ${told.textContent}. ${receipt.textContent}`);
  };
  const unfollow = follow(run, show);
  return () => {
    unfollow();
    each?.stop();
    rows.stop();
    document.removeEventListener("keydown", keys);
    post(`runs/${run}/remove`, {}).catch(() => {});
  };
}
