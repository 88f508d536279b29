// The receipt of a run, in words.
import { count } from "./dom.js";

const ENDS = {
  not_paged: "the reply was the whole list", no_next: "the server named no next page", has_more_false: "the server said that there is no more",
  last_page: "the last page was reached", total_reached: "all announced items were read", empty_page: "a page was empty",
  short_page: "the last page was not full", item_limit: "the limit was reached; there may be more", abandoned: "it was stopped; there may be more", failed: "a request failed",
};

export const seconds = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

const bytes = (size) => (size < 1e4 ? count(size, "byte") : size < 1e6 ? `${(size / 1e3).toFixed(0)} kB` : `${(size / 1e6).toFixed(1)} MB`);

/** The receipt as a person says it; `isCancelled` when a person has ended the run. */
export function words(receipt, isCancelled = false) {
  const parts = [count(receipt.requests, "request"), receipt.retries > 0 ? count(receipt.retries, "retry", "retries") : "no retries",
    receipt.wait_ms > 0 ? `${seconds(receipt.wait_ms)} of waiting` : "no waits", receipt.bytes > 0 && bytes(receipt.bytes), `${seconds(receipt.elapsed_ms)} in all`];
  const because = receipt.stop && `It ended because ${ENDS[receipt.stop] ?? receipt.stop.replaceAll("_", " ")}.`;
  const end = isCancelled ? "It was cancelled; there may be more." : because;
  return [`${parts.filter(Boolean).join(", ")}.`, end].filter(Boolean).join(" ");
}

/** The badge of a run that has ended: [class, text]. */
export function verdict(state, writes) {
  const { ok, failed, unknown, skipped } = state.outcomes;
  if (writes) {
    if (unknown > 0) return ["bad", "Some are in doubt"];
    if (failed + skipped > 0) return [ok > 0 ? "warn" : "bad", ok > 0 ? "Partly done" : "Failed"];
    return state.error ? ["bad", "Failed"] : ["good", "Done"];
  }
  if (state.error) return state.error.kind === "cancelled" ? ["warn", "Cancelled"] : ["bad", "Failed"];
  if (state.receipt?.complete === true) return ["good", "Complete"];
  return state.receipt?.stop ? ["warn", "Not known to be complete"] : ["good", "Done"];
}
