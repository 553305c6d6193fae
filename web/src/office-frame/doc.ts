/** Documents of Word 97 to 2003: the texts of their paragraphs, without layout.

Source: [MS-DOC] 2.4.1, "Retrieving Text": the table stream has a list of pieces, each of which is at a place of the
main stream, in UTF-16 or as Windows-1252. */
import { CannotShow } from "../lib/office";
import { fromContainer } from "./container";
import { paper } from "./elements";
import { serve } from "./frame";
import { Paragraphs } from "./paragraphs";

const IDENTIFIER = 0xa5ec;
const FLAGS = 0x0a;
const ENCRYPTED = 0x0100;
const SECOND_TABLE = 0x0200;
const TEXT_LENGTH = 0x4c;
const PIECES_AT = 0x01a2;
const PIECES_BYTES = 0x01a6;
const PROPERTIES = 1;
const PIECES = 2;
const IN_ONE_BYTE = 0x40000000;
const [CELL, NEW_LINE, HYPHEN] = ["\x07", "\x0b", "\x1e"];
/** Of a cell or row, a page, a paragraph. */
const ENDS = [CELL, "\x0c", "\r"];
const [FIELD, RESULT, FIELD_END] = ["\x13", "\x14", "\x15"];

serve((bytes, root) => renderDoc(bytes, root));

export const renderDoc = (bytes: ArrayBuffer, root: HTMLElement): void => showText(textOf(bytes), root);

/** Show a text with Word's control characters. Of fields the results are shown, not the instructions. */
export function showText(text: string, root: HTMLElement): void {
  const paragraphs = new Paragraphs(paper(root));
  const inInstructions: boolean[] = [];
  let run = "";
  for (let at = 0; at < text.length && !paragraphs.isFull; at += 1) {
    const character = text[at] as string;
    if (character === FIELD) inInstructions.push(true);
    else if (character === RESULT && inInstructions.length) inInstructions[inInstructions.length - 1] = false;
    else if (character === FIELD_END) inInstructions.pop();
    else if (inInstructions.includes(true)) continue;
    else if (character >= " " || character === "\t") run += character;
    else if (character === NEW_LINE) run += "\n";
    else if (character === HYPHEN) run += "\u2011";
    else if (ENDS.includes(character)) {
      paragraphs.write(run);
      run = "";
      if (character !== CELL) paragraphs.end();
      else if (text[at - 1] === CELL) paragraphs.endRow();
      else paragraphs.endCell();
    }
  }
  paragraphs.write(run);
  paragraphs.finish();
}

/** The main text, with Word's control characters. Throws CannotShow. */
const textOf = (bytes: ArrayBuffer): string =>
  fromContainer(bytes, (stream) => {
    const main = stream("WordDocument");
    if (main.getUint16(0, true) !== IDENTIFIER) throw new CannotShow("damaged");
    const flags = main.getUint16(FLAGS, true);
    if (flags & ENCRYPTED) throw new CannotShow("protected");
    const table = stream(flags & SECOND_TABLE ? "1Table" : "0Table");
    return pieces(main, table).slice(0, main.getUint32(TEXT_LENGTH, true));
  });

function pieces(main: DataView, table: DataView): string {
  let at = main.getUint32(PIECES_AT, true);
  const end = at + main.getUint32(PIECES_BYTES, true);
  while (at < end && table.getUint8(at) === PROPERTIES) at += 3 + table.getUint16(at + 1, true);
  if (table.getUint8(at) !== PIECES) throw new CannotShow("damaged");
  const count = (table.getUint32(at + 1, true) - 4) / 12;
  const places = at + 5;
  let text = "";
  for (let piece = 0; piece < count; piece += 1) {
    const length = table.getUint32(places + 4 * (piece + 1), true) - table.getUint32(places + 4 * piece, true);
    const where = table.getUint32(places + 4 * (count + 1) + 8 * piece + 2, true);
    const offset = where & IN_ONE_BYTE ? (where ^ IN_ONE_BYTE) / 2 : where;
    const encoded = new Uint8Array(main.buffer, main.byteOffset + offset, where & IN_ONE_BYTE ? length : 2 * length);
    text += new TextDecoder(where & IN_ONE_BYTE ? "windows-1252" : "utf-16le").decode(encoded);
    if (text.length > main.byteLength) throw new CannotShow("damaged"); // pieces that overlap
  }
  return text;
}
