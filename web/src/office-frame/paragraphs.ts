/** Paragraphs and rows of cells, in the order in which a format without a tree lists them. */
import { cutHere, element } from "./elements";

const MOST = 20_000;

export class Paragraphs {
  private paragraph = element("p");
  private cell: HTMLElement[] = [];
  private row: HTMLTableCellElement[] = [];
  private count = 0;

  constructor(private readonly root: HTMLElement) {}

  /** Whether no more of the document is shown. */
  get isFull(): boolean {
    return this.count > MOST;
  }

  write(text: string | HTMLElement): void {
    if (text) this.paragraph.append(text);
  }

  /** End a paragraph. One that is followed by the end of a cell is in that cell. */
  end(): void {
    this.count += 1;
    if (this.row.length) this.cell.push(this.paragraph);
    else this.root.append(this.paragraph);
    this.paragraph = element("p");
  }

  endCell(): void {
    this.count += 1;
    const cell = element("td");
    cell.append(...this.cell, this.paragraph);
    this.row.push(cell);
    this.cell = [];
    this.paragraph = element("p");
  }

  endRow(): void {
    const last = this.root.lastElementChild;
    const table = last instanceof HTMLTableElement ? last : element("table");
    if (table !== last) this.root.append(table);
    const row = table.insertRow();
    row.append(...this.row);
    this.row = [];
  }

  /** End the document, wherever it ends. */
  finish(): void {
    if (this.paragraph.hasChildNodes()) this.end();
    if (this.row.length) this.endRow();
    this.root.append(...this.cell);
    if (this.isFull) this.root.append(cutHere());
  }
}
