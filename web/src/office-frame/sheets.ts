/** Sheets of a spreadsheet as tables, of which one is shown at a time. */
import { cutHere, element } from "./elements";

export const SHOWN_ROWS = 1_000;
export const SHOWN_COLUMNS = 100;
const SHOWN_CHARS = 1_000;
const LETTERS = 26;

export interface Sheet {
  sheet: string;
  /** Values by row and column. */
  data: unknown[][];
}

export function showSheets(sheets: Sheet[], root: HTMLElement): void {
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
}

function lettersOf(number: number): string {
  const rest = Math.floor((number - 1) / LETTERS);
  return (rest ? lettersOf(rest) : "") + String.fromCharCode(65 + ((number - 1) % LETTERS));
}

function tableOf(data: unknown[][]): Node[] {
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
  return cut ? [table, cutHere()] : [table];
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
