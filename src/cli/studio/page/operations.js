// The operations view: the search on the left, what was opened on the right.
import { el, fill } from "./dom.js";
import { address } from "./hits.js";
import { pick } from "./pick.js";
import { start } from "./start.js";

export async function show(main, context) {
  let close = () => {}, turn = 0, atOnce = null;
  const work = el("section", { class: "work", tabindex: -1, "aria-label": "Operation" });
  const found = pick(context.about, context.go);
  fill(main, found.node, work);
  const route = async ([connector, operation, template]) => {
    const own = (turn += 1);
    close();
    close = () => {};
    main.classList.toggle("is-open", Boolean(operation));
    work.scrollTop = 0;
    const hit = { connector, operation, template };
    const isAtOnce = atOnce === address(hit);
    atOnce = null;
    const made = operation
      ? await (await import("./operation.js")).open(work, context, hit, () => own === turn, isAtOnce)
      : await start(work, context, found, (one) => { atOnce = address(one); context.go(atOnce); });
    if (own === turn) close = made ?? (() => {});
    else made?.();
  };
  const leave = () => { turn += 1; close(); found.stop(); main.classList.remove("is-open"); };
  leave.route = (parts) => { scrollTo(0, 0); return route(parts); };
  // The view is there before what it opens, so that what was typed into the search stays.
  route(context.parts);
  if (!context.parts.length && matchMedia("(min-width: 50rem)").matches) found.focus();
  return leave;
}
