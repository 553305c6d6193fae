/** Spreadsheets: the values of their cells, by read-excel-file. */
import readXlsxFile, { type SheetData } from "read-excel-file/universal";
import { CannotShow } from "../lib/office";
import { type Parts, repacked, text } from "./archive";
import { serve } from "./frame";

const SHOWN_ROWS = 1_000;
const SHOWN_COLUMNS = 100;
const SHOWN_CHARS = 1_000;
/** A sheet is read into a table as large as its last cell says. */
const MOST_CELLS = 2_000_000;
const CELL = /<(?:\w+:)?c\s[^>]*?\br="([A-Z]{1,3})(\d{1,7})"/g;
const LETTERS = 26;

serve(async (parts, root) => {
  refuseHuge(parts);
  const sheets = await readXlsxFile(repacked(parts).buffer);
  if (!sheets.length) throw new CannotShow("damaged");
  const tabs = sheets.map(({ sheet }) => element("button", sheet));
  const table = element("div");
  table.className = "sheet";
  function show(index: number): void {
    table.replaceChildren(...tableOf(sheets[index]?.data ?? []));
    tabs.forEach((tab, at) => tab.setAttribute("aria-pressed", String(at === index)));
  }
  tabs.forEach((tab, index) => tab.addEventListener("click", () => show(index)));
  const bar = element("nav");
  bar.append(...tabs);
  if (tabs.length > 1) root.append(bar);
  root.append(table);
  show(0);
});

function refuseHuge(parts: Parts): void {
  for (const [name, part] of parts) {
    if (!name.startsWith("xl/") || !name.endsWith(".xml")) continue;
    let [rows, columns] = [0, 0];
    for (const [, letters = "", row] of text(part).matchAll(CELL)) {
      rows = Math.max(rows, Number(row));
      columns = Math.max(columns, numberOf(letters));
    }
    if (rows * columns > MOST_CELLS) throw new CannotShow("too_large");
  }
}

const numberOf = (letters: string): number =>
  [...letters].reduce((number, letter) => number * LETTERS + letter.charCodeAt(0) - 64, 0);

function lettersOf(number: number): string {
  const rest = Math.floor((number - 1) / LETTERS);
  return (rest ? lettersOf(rest) : "") + String.fromCharCode(65 + ((number - 1) % LETTERS));
}

function tableOf(data: SheetData): Node[] {
  const rows = data.slice(0, SHOWN_ROWS);
  const width = rows.reduce((most, row) => Math.max(most, row.length), 0);
  const columns = Math.min(width, SHOWN_COLUMNS);
  const table = element("table");
  const head = table.createTHead().insertRow();
  head.append(element("td"), ...Array.from({ length: columns }, (_, at) => header("col", lettersOf(at + 1))));
  const body = table.createTBody();
  rows.forEach((row, at) => {
    const shown = body.insertRow();
    shown.append(header("row", String(at + 1)));
    for (let column = 0; column < columns; column += 1) {
      const cell = shown.insertCell();
      const value: unknown = row[column];
      if (typeof value === "number") cell.className = "number";
      cell.textContent = shownValue(value);
    }
  });
  const cut = data.length > SHOWN_ROWS || width > SHOWN_COLUMNS;
  return cut ? [table, element("p", "Only the beginning is shown. Download it to read all of it.")] : [table];
}

function shownValue(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (value instanceof Date) return value.toISOString().replace("T00:00:00.000Z", "").replace("T", " ").replace(".000Z", "");
  return String(value).slice(0, SHOWN_CHARS);
}

function header(scope: "col" | "row", content: string): HTMLTableCellElement {
  const cell = element("th", content);
  cell.scope = scope;
  return cell;
}

function element<N extends keyof HTMLElementTagNameMap>(name: N, content = ""): HTMLElementTagNameMap[N] {
  const made = document.createElement(name);
  made.textContent = content;
  return made;
}
