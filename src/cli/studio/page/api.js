// The JSON service.
import { exact } from "./json.js";

/** A failure of the service: kind, message, advice, faults. */
export class Fault extends Error {
  constructor(error) {
    super(error.message);
    this.error = error;
  }
}

async function asked(path, init) {
  let reply, text;
  try {
    reply = await fetch(`/api/v1/${path}`, init);
    text = await reply.text();
  } catch (cause) {
    if (cause.name === "AbortError") throw cause;
    throw new Fault({ kind: "network", message: "opnode studio has ended", advice: "Start it again, and open the address that it prints." });
  }
  let value;
  try {
    value = exact(text);
  } catch {
    throw new Fault({ kind: reply.status === 403 ? "forbidden" : "internal", message: text.trim() || `status ${reply.status}` });
  }
  // What does not fit while somebody types is no failure of the service: these may answer it with status 200.
  if (!reply.ok || (/^(plan|condition|batches\/plan)$/.test(path) && value.error)) throw new Fault(value.error ?? { kind: "internal", message: `status ${reply.status}` });
  return value;
}

/** Gets a value; numbers that JavaScript cannot hold keep their digits (json.js). */
export const get = (path, signal) => asked(path, { signal });

/** Posts a value. */
export const post = (path, value, signal) => postText(path, JSON.stringify(value), signal);

/** Posts JSON text as it is. */
export const postText = (path, text, signal) =>
  asked(path, { method: "POST", headers: { "content-type": "application/json" }, body: text, signal });

/** The states of a run, as they come. Returns a function that ends it. */
export function follow(run, take) {
  const source = new EventSource(`/api/v1/runs/${run}/events`);
  source.onmessage = (message) => {
    const state = JSON.parse(message.data);
    take(state);
    if (state.is_ended) source.close();
  };
  return () => source.close();
}
