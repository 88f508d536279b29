// The JSON service.

/** A failure of the service: kind, message, advice, faults. */
export class Fault extends Error {
  constructor(error) {
    super(error.message);
    this.error = error;
  }
}

async function asked(path, init) {
  let reply;
  try {
    reply = await fetch(`/api/v1/${path}`, init);
  } catch (cause) {
    if (cause.name === "AbortError") throw cause;
    throw new Fault({ kind: "network", message: "opnode studio has ended", advice: "start it again" });
  }
  if (reply.status === 403) throw new Fault({ kind: "forbidden", message: (await reply.text()).trim() });
  const value = await reply.json();
  if (!reply.ok) throw new Fault(value.error);
  return value;
}

export const get = (path, signal) => asked(path, { signal });
export const post = (path, value, signal) =>
  asked(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(value), signal });

/** The states of a run, as they come. */
export function follow(run, take) {
  const source = new EventSource(`/api/v1/runs/${run}/events`);
  source.onmessage = (message) => {
    const state = JSON.parse(message.data);
    take(state);
    if (state.is_ended) source.close();
  };
  return () => source.close();
}
