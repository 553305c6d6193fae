/** Spreadsheets of OpenDocument: what their cells show. */
import { CannotShow } from "../lib/office";
import { type Parts, unpack } from "./archive";
import { serve } from "./frame";
import { attribute, contentOf, nameOf, timesOf } from "./odf-xml";
import { type Sheet, SHOWN_COLUMNS, SHOWN_ROWS, showSheets } from "./sheets";

const CELLS = ["table:table-cell", "table:covered-table-cell"];
/** One more than is shown, so that the page can note that there are more. */
const [ROWS, COLUMNS] = [SHOWN_ROWS + 1, SHOWN_COLUMNS + 1];

serve(async (bytes, root) => showSheets(openSheets(await unpack(bytes)), root));

/** All sheets, each cut off behind what is shown. Throws CannotShow. */
export function openSheets(parts: Parts): Sheet[] {
  const sheets = [...contentOf(parts).body.getElementsByTagName("*")].filter((found) => nameOf(found) === "table:table");
  if (!sheets.length) throw new CannotShow("damaged");
  return sheets.map((sheet) => ({ sheet: attribute(sheet, "name"), data: rowsOf(sheet) }));
}

function rowsOf(sheet: Element): unknown[][] {
  const rows: unknown[][] = [];
  for (const found of sheet.getElementsByTagName("*")) {
    if (rows.length >= ROWS) break;
    if (nameOf(found) !== "table:table-row") continue;
    const row = valuesOf(found);
    for (let times = timesOf(found, "number-rows-repeated", ROWS - rows.length); times > 0; times -= 1) rows.push(row);
  }
  while (rows.length && !rows.at(-1)?.length) rows.pop(); // a sheet is filled up with empty rows
  return rows;
}

function valuesOf(row: Element): unknown[] {
  const values: unknown[] = [];
  for (const cell of row.children) {
    if (values.length >= COLUMNS || !CELLS.includes(nameOf(cell))) continue;
    const times = timesOf(cell, "number-columns-repeated", COLUMNS - values.length);
    for (let left = times; left > 0; left -= 1) values.push(valueOf(cell));
  }
  while (values.length && values.at(-1) === "") values.pop();
  return values;
}

function valueOf(cell: Element): string | number {
  const shown = [...cell.children].filter((child) => nameOf(child) === "text:p").map((line) => line.textContent).join("\n");
  const number = attribute(cell, "value-type") === "float" ? Number(attribute(cell, "value")) : Number.NaN;
  return Number.isNaN(number) ? shown : number;
}
