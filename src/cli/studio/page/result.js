// A run: progress, rows, the receipt in words, outcomes.
import { el, fill, visible, count, tell } from "./dom.js";
import { follow, post } from "./api.js";
import { table } from "./table.js";
import { chart } from "./chart.js";

const ENDS = { not_paged: "the reply was the whole list", no_next: "the server named no next page", has_more_false: "the server said that there is no more", last_page: "the last page was reached", total_reached: "all announced items were read", empty_page: "a page was empty", item_limit: "the limit was reached; there may be more", abandoned: "it was stopped; there may be more", failed: "it failed" };

/** The receipt as a person says it. */
export function words(receipt) {
  const parts = [`${count(receipt.requests, "request")}`, receipt.retries > 0 && `${count(receipt.retries, "retry", "retries")}`, receipt.wait_ms > 0 && `${(receipt.wait_ms / 1000).toFixed(1)} s of waiting`, `${(receipt.elapsed_ms / 1000).toFixed(1)} s in all`];
  const end = receipt.stop && `It ended because ${ENDS[receipt.stop] ?? receipt.stop}.`;
  const complete = receipt.stop && (receipt.complete ? "The list is complete." : "The list is not known to be complete.");
  return [`${parts.filter(Boolean).join(", ")}.`, end, complete].filter(Boolean).join(" ");
}

export function result(pane, run, writes) {
  const rows = table(run);
  const picture = chart();
  const told = el("p", { role: "status" });
  const receipt = el("p", { class: "receipt" });
  const failure = el("div", { class: "failure", role: "alert" });
  const outcomes = el("ul", { class: "outcomes" });
  const stop = el("button", { type: "button", onclick: () => post(`runs/${run}/cancel`, {}) }, "Cancel");
  fill(pane, el("div", { class: "bar" }, told, stop), failure, receipt, !writes && picture.node, writes && outcomes, rows.node);
  const end = follow(run, (state) => {
    const { ok, failed, unknown, skipped } = state.outcomes;
    told.textContent = writes ? `${count(ok + failed + unknown + skipped, "item")}: ${ok} ok, ${failed} failed, ${unknown} unknown, ${skipped} not sent` : `${count(state.rows, "row")}${state.total ? ` of ${state.total.toLocaleString("en")}` : ""} in ${count(state.pages, "page")}`;
    if (state.new_pages.length > 0) picture.add(state.new_pages, state.at);
    for (const own of state.new_outcomes) if (own.status !== "ok" && outcomes.childElementCount < 500) outcomes.append(el("li", { class: own.status }, `item ${own.index}: ${own.status}`, own.error && ` – ${visible(own.error.message)}`));
    rows.grow(state.rows);
    if (!state.is_ended) return;
    stop.disabled = true;
    if (state.receipt) receipt.textContent = words(state.receipt);
    if (state.error) fill(failure, el("strong", {}, state.error.kind), " ", visible(state.error.message), state.error.advice && el("p", {}, visible(typeof state.error.advice === "string" ? state.error.advice : JSON.stringify(state.error.advice))));
    tell(`${told.textContent}. ${receipt.textContent}`);
  });
  return () => { end(); post(`runs/${run}/remove`, {}).catch(() => {}); };
}
