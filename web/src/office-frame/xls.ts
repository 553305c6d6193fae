/** Spreadsheets of older versions of Excel: the values of their cells, by SheetJS. */
import { read, utils, type WorkSheet } from "@e965/xlsx";
import { CannotShow } from "../lib/office";
import { repacked, unpack } from "./archive";
import { serve } from "./frame";
import { type Sheet, SHOWN_COLUMNS, SHOWN_ROWS, showSheets } from "./sheets";

const ZIP = 0x50;
/** How OLE containers, streams of cells without a container (Excel 2 to 4), and tables in HTML or XML begin. */
const KNOWN = [0xd0, 0x09, 0x3c, 0xef];

serve(async (bytes, root) => {
  const sheets = await sheetsOf(bytes);
  if (!sheets.length) throw new CannotShow("damaged");
  showSheets(sheets, root);
});

/** The values of all sheets, each cut off behind what is shown. Rejects with CannotShow. */
export async function sheetsOf(bytes: ArrayBuffer): Promise<Sheet[]> {
  const first = new Uint8Array(bytes)[0] ?? 0;
  if (first !== ZIP && !KNOWN.includes(first)) throw new CannotShow("damaged"); // it would be read as lines of text
  const data = first === ZIP ? repacked(await unpack(bytes)) : new Uint8Array(bytes);
  const book = await readBook(data);
  return book.SheetNames.map((sheet) => ({ sheet, data: valuesOf(book.Sheets[sheet]) }));
}

async function readBook(data: Uint8Array) {
  try {
    return read(data, { type: "array", dense: true, cellDates: true, UTC: true, cellFormula: false, cellHTML: false, sheetRows: SHOWN_ROWS + 1 });
  } catch (error) {
    throw new CannotShow(/password|encrypt/i.test(String(error)) ? "protected" : "damaged");
  }
}

/** A sheet declares how large it is: of a vast one only so much is made into a table. */
function valuesOf(sheet: WorkSheet | undefined): unknown[][] {
  if (!sheet?.["!ref"]) return [];
  const range = utils.decode_range(sheet["!ref"]);
  range.e.r = Math.min(range.e.r, SHOWN_ROWS);
  range.e.c = Math.min(range.e.c, SHOWN_COLUMNS);
  range.s = { r: 0, c: 0 };
  return utils.sheet_to_json<unknown[]>(sheet, { header: 1, raw: true, UTC: true, blankrows: true, range });
}
