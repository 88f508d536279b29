// Runs in words: states, exit codes, events, times.
import { count } from "./dom.js";

export const STATUS = {
  waiting: ["waiting", ""],
  running: ["running", "on"],
  done: ["done", "good"],
  partial: ["partial", "warn"],
  skipped: ["skipped", ""],
  failed: ["failed", "bad"],
  stopped: ["stopped", "warn"],
  not_started: ["not started", ""],
  earlier: ["done earlier", "good"],
  outage: ["waits for the system", "warn"],
  finished: ["finished", "good"],
  items_left: ["items left", "warn"],
  unfinished: ["unfinished", "warn"],
  set_aside: ["archived", ""],
  damaged: ["damaged", "bad"],
  unknown: ["unknown", "warn"],
};
/** The name of a state and its class. */
export const status = (name) => STATUS[name] ?? [String(name).replaceAll("_", " "), ""];

const EXITS = {
  0: "All done",
  1: "A bug of opnode",
  2: "Wrong use, or the plan has another hash",
  3: "The batch file, a row or a connection is wrong",
  4: "Signing in failed, or the account lacks a permission",
  5: "The system refused",
  6: "A temporary failure: try again later",
  7: "An outcome is unknown: check the record",
  8: "Some items failed, the rest is done",
  9: "The run folder or a file on disk",
  10: "Cancelled",
  129: "Stopped",
  130: "Stopped",
  143: "Stopped",
};
/** An exit code in words, with its class. */
export const exit = (code) => [
  EXITS[code] ?? `Exit code ${code}`,
  code === 0 ? "good" : [6, 7, 8, 10, 129, 130, 143].includes(code) ? "warn" : "bad",
];

/** A duration. */
export function lasting(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  return minutes < 60 ? `${minutes} min ${Math.round((ms % 60_000) / 1000)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A time of the machine, short when it is of today. */
export function moment(text) {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return String(text ?? "");
  const isToday = time.toDateString() === new Date().toDateString();
  return time.toLocaleString("en-GB", {
    ...(isToday ? {} : { year: "numeric", month: "short", day: "numeric" }),
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
}

/** The counts of a step. */
export const counts = (own) =>
  [
    own.items_out > 0 || !own.items_in ? count(own.items_out ?? 0, "item") : `${(own.items_in ?? 0).toLocaleString("en")} in`,
    own.failed > 0 && `${own.failed.toLocaleString("en")} failed`,
    own.unknown > 0 && `${own.unknown.toLocaleString("en")} unknown`,
  ]
    .filter(Boolean)
    .join(", ");

/** The name of a step, with its job if there are several. */
export const named = (own) => {
  // The parts of an upsert are ID__found and so on in reports.
  const step = (own.step ?? "").replace("__", ".");
  return own.job && own.job !== "main" ? `${own.job}/${step}` : step;
};

/** An event as a sentence and a class; null for those that are only progress. */
export function sentence(event) {
  switch (event.kind) {
    case "begun": {
      const jobs = event.jobs ?? [event];
      return [
        jobs
          .map((job) => {
            const name = job.job && job.job !== "main" ? `${job.job}: ` : "";
            return `${name}${job.is_resumed ? "resumes" : "new"} run ${job.run ?? ""}`.trim();
          })
          .join("; "),
        "",
      ];
    }
    case "note":
      return [event.message, ""];
    case "step_begun":
      return [`${named(event)} starts`, ""];
    case "outage":
      return [
        `${named(event)} waits for ${event.connection}, next try in ${lasting(event.next_ms)}: ${event.error?.message ?? ""}`,
        "warn",
      ];
    case "waiting": {
      const progress = event.progress ?? event.state?.progress;
      return [`${named(event)} waits for a job of the system${progress ? `: ${progress}` : ""}`, "warn"];
    }
    case "item_failed":
      return [
        `${named(event)}: item ${event.index} ${event.status === "unknown" ? "is unknown" : "failed"}: ${event.error?.message ?? ""}`,
        event.status === "unknown" ? "warn" : "bad",
      ];
    case "saved":
      return [`${named(event)} saved ${event.path}`, ""];
    case "step_ended":
      return [`${named(event)}: ${status(event.earlier ? "earlier" : event.status)[0]}, ${counts(event)}`, status(event.status)[1]];
    default:
      return null;
  }
}
