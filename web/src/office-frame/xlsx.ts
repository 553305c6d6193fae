/** Spreadsheets of Excel: the values of their cells, by read-excel-file. */
import readXlsxFile from "read-excel-file/universal";
import { CannotShow } from "../lib/office";
import { type Parts, repacked, text, unpack } from "./archive";
import { serve } from "./frame";
import { showSheets } from "./sheets";

/** A sheet is read into a table that reaches to its last cell. */
const MOST_CELLS = 2_000_000;
const CELL = /<(?:\w+:)?c\s[^>]*?\br="([A-Z]{1,3})(\d{1,7})"/g;
const LETTERS = 26;

serve(async (bytes, root) => {
  const parts = await unpack(bytes);
  refuseHuge(parts);
  const sheets = await readXlsxFile(repacked(parts).buffer);
  if (!sheets.length) throw new CannotShow("damaged");
  showSheets(sheets, root);
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
