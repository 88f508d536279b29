// The keys of the editor: indentation, comments, saving, and the way out of it.

export function keys({ area, lines, startOf, replace }, popup, tip, save) {
  let isLeaving = false;
  const selected = () => {
    const before = area.value.slice(0, area.selectionStart).split("\n").length;
    const end =
      area.selectionEnd > area.selectionStart && area.value[area.selectionEnd - 1] === "\n" ? area.selectionEnd - 1 : area.selectionEnd;
    return [before, area.value.slice(0, end).split("\n").length];
  };
  /** Changes whole lines, and selects them afterwards if several were selected. */
  const eachLine = (work) => {
    const [first, final] = selected();
    const from = startOf(first),
      to = startOf(final) + lines()[final - 1].length;
    const isRange = area.selectionStart !== area.selectionEnd;
    const back = area.value.length - area.selectionEnd;
    const next = area.value.slice(from, to).split("\n").map(work).join("\n");
    if (next === area.value.slice(from, to)) return;
    replace(from, to, next);
    if (isRange) area.setSelectionRange(from, from + next.length);
    else area.setSelectionRange(...Array(2).fill(Math.max(from, area.value.length - back)));
  };
  const indent = () => {
    if (selected()[0] !== selected()[1]) return eachLine((line) => (line ? `  ${line}` : line));
    const at = area.selectionStart - startOf(selected()[0]);
    replace(area.selectionStart, area.selectionEnd, at % 2 === 0 ? "  " : " ");
  };
  const comment = () => {
    const [first, final] = selected();
    const all = lines()
      .slice(first - 1, final)
      .filter((line) => line.trim());
    const isOff = all.every((line) => /^\s*#/.test(line));
    const column = Math.min(...all.map((line) => line.search(/\S/)));
    eachLine((line) => (!line.trim() ? line : isOff ? line.replace(/# ?/, "") : `${line.slice(0, column)}# ${line.slice(column)}`));
  };
  const enter = () => {
    const [first] = selected();
    const before = area.value.slice(startOf(first), area.selectionStart);
    const lead = /^\s*(- +)*/.exec(before)[0];
    const isEmptyEntry = lead.trim() !== "" && before.trim() === "-";
    const depth = isEmptyEntry ? before.search(/\S/) : lead.length;
    const deeper = /:\s*$|[|>][+-]?\s*$/.test(before) ? 2 : 0;
    replace(area.selectionStart, area.selectionEnd, `\n${" ".repeat(depth + deeper)}`);
  };
  area.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const isCommand = (event.ctrlKey || event.metaKey) && !event.altKey;
    if (popup?.key(event)) {
      event.preventDefault();
      return;
    }
    if (event.key === "Escape") {
      tip.close();
      // The first Escape leaves the editor, and not a dialog around it.
      if (area.closest("dialog") && !isLeaving) event.preventDefault();
      isLeaving = true;
      return;
    }
    if (event.key === "Shift") return;
    const leaves = isLeaving;
    isLeaving = false;
    if (event.key === "Tab" && !leaves && !isCommand && !event.altKey) {
      event.shiftKey ? eachLine((line) => line.replace(/^( {1,2}|\t)/, "")) : indent();
    } else if (event.key === "Enter" && !isCommand && !event.shiftKey && !event.altKey) enter();
    else if (isCommand && event.key === "/") comment();
    else if (isCommand && event.key.toLowerCase() === "s" && save) save();
    else return;
    event.preventDefault();
  });
}
