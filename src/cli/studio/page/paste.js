// Rows of a spreadsheet or a CSV text.

/** The cells of a text, row by row; a quoted cell may have separators, line ends and doubled quotes. */
export function cellsOf(text) {
  const first = text.slice(0, text.search(/[\r\n]/) < 0 ? text.length : text.search(/[\r\n]/));
  const mark = first.includes("\t") ? "\t" : (first.match(/;/g)?.length ?? 0) > (first.match(/,/g)?.length ?? 0) ? ";" : ",";
  const rows = [];
  let row = [], cell = "", isQuoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const c = text[at];
    if (isQuoted) {
      if (c !== '"') cell += c;
      else if (text[at + 1] === '"') { cell += '"'; at += 1; }
      else isQuoted = false;
    } else if (c === '"' && cell === "") isQuoted = true;
    else if (c === mark) { row.push(cell); cell = ""; }
    else if (c === "\n" || c === "\r") {
      if (c === "\r" && text[at + 1] === "\n") at += 1;
      row.push(cell);
      rows.push(row);
      row = [];
      cell = "";
    } else cell += c;
  }
  if (cell !== "" || row.length > 0) rows.push([...row, cell]);
  return rows.filter((own) => own.some((one) => one.trim() !== ""));
}

const plain = (name) => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");

/** The column that a head names: by its path, whatever its case and marks; else a column of that name. */
export function columnOf(head, columns) {
  const own = plain(head);
  return columns.find((column) => plain(column.path.join("/")) === own) ?? columns.find((column) => plain(column.path.at(-1)) === own && column.path.length === 1);
}

/** Whether the first row is a head: one of its cells names a known column. */
export const hasHead = (rows, columns) => rows[0]?.some((cell) => cell.trim() && columnOf(cell, columns)) === true;
