// Tests of connections, and what came of them in this page.
import { el, visible, count } from "./dom.js";
import { post } from "./api.js";
import { failure } from "./failure.js";

/** The last test of each connection: { ok, ms, base, requests } or { cause }, and `at`. */
const tests = new Map();

/** The address of a connection's page. */
export const address = (...parts) => `#/connections/${parts.map(encodeURIComponent).join("/")}`;

export const lastTest = (connection) => tests.get(connection);
export const forget = (connection) => tests.delete(connection);

/** Calls the system once, and keeps what came of it. */
export async function test(connection) {
  try {
    tests.set(connection, { ...(await post("connections/test", { connection })), at: new Date() });
  } catch (cause) {
    tests.set(connection, { cause, at: new Date() });
  }
  return tests.get(connection);
}

const clock = (date) => date.toLocaleTimeString("en-GB");

/** The last test as a badge. */
export function tested(connection) {
  const last = tests.get(connection);
  if (!last) return el("span", { class: "badge" }, "not tested");
  const title = `tested at ${clock(last.at)}`;
  return last.cause ? el("span", { class: "badge bad", title }, "failed")
    : el("span", { class: "badge good", title }, `works, ${last.ms} ms`);
}

/** The last test in full. */
export function testResult(connection) {
  const last = tests.get(connection);
  if (last.cause) return failure(last.cause, "The test has failed");
  return el("p", { class: "success", dir: "auto" }, `Works: ${visible(last.base ?? "the system")} replied in ${last.ms} ms`
    + `${last.requests ? ` (${count(last.requests, "request")})` : ""}, at ${clock(last.at)}.`);
}
