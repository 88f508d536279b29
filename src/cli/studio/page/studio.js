// The shell: tabs, the choice of the system that is called, and the views, each of which is loaded when it is first shown.
import { el, fill, tell } from "./dom.js";
import { get, post } from "./api.js";
import { shortcuts } from "./help.js";

const VIEWS = {
  operations: () => import("./operations.js"),
  batch: () => import("./batch.js"),
  connections: () => import("./connections.js"),
  connectors: () => import("./connectors.js"),
};

const main = document.getElementById("main");
const context = { about: null, step: null, parts: [], go: (hash) => { location.hash = hash; } };
let turn = 0, shown = null, leave = () => {};

const failed = (fault) => fill(main, el("div", { class: "failure block", role: "alert" },
  el("strong", {}, fault.message), fault.error?.advice && el("p", {}, String(fault.error.advice))));

/** Shows the view that the address names. */
async function route() {
  const [name, ...parts] = location.hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decode);
  const view = name in VIEWS ? name : "operations";
  context.parts = name in VIEWS ? parts : [];
  const own = (turn += 1);
  for (const link of document.querySelectorAll(".views a")) link.toggleAttribute("aria-current", link.dataset.view === view);
  for (const link of document.querySelectorAll(".views a[aria-current]")) link.setAttribute("aria-current", "page");
  // A view may take a new address itself.
  if (view === shown && leave.route) return leave.route(context.parts);
  leave();
  leave = () => {};
  shown = view;
  main.dataset.view = view;
  document.title = `${view[0].toUpperCase()}${view.slice(1)} – opnode studio`;
  document.getElementById("targeted").hidden = view !== "operations";
  fill(main, el("p", { class: "small loading" }, "Loading …"));
  try {
    context.about = await get("about");
    const module = await VIEWS[view]();
    if (own !== turn) return;
    fill(main);
    const close = await module.show(main, context);
    if (own !== turn) close?.();
    else leave = close ?? (() => {});
  } catch (fault) {
    if (own === turn) { shown = null; failed(fault); }
  }
}

function decode(part) {
  try { return decodeURIComponent(part); } catch { return part; }
}

/** The service ends with its last page, and the page says when the service has ended. */
function watch() {
  const ended = document.getElementById("ended");
  const alive = new EventSource("/api/v1/alive");
  alive.onopen = () => { ended.hidden = true; };
  alive.onerror = () => setTimeout(() => { if (alive.readyState !== EventSource.OPEN) ended.hidden = false; }, 3000);
}

document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
document.getElementById("help").addEventListener("click", shortcuts);
document.getElementById("reset").addEventListener("click", async (event) => {
  await post("sandbox/reset", {});
  const button = event.target;
  tell("The sandbox has its first data again.");
  button.textContent = "Reset ✓";
  setTimeout(() => { button.textContent = "Reset the sandbox"; }, 2000);
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "?" || event.target.closest("input, select, textarea, [contenteditable], dialog")) return;
  event.preventDefault();
  shortcuts();
});
addEventListener("hashchange", route);
await route();
watch();
