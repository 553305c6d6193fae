/** RTF: its paragraphs and tables, with bold and italic text, without layout. */
import { CannotShow } from "../lib/office";
import { element, paper } from "./elements";
import { serve } from "./frame";
import { Paragraphs } from "./paragraphs";

/** A word with a number, a character of the code page, a symbol, a brace, the end of a line, text. */
const TOKEN = /\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|[\r\n]+|([^\\{}\r\n]+)/g;
const LEFT_OUT = new Set([
  "colortbl", "stylesheet", "info", "pict", "object", "header", "headerl", "headerr", "headerf", "footer", "footerl",
  "footerr", "footerf", "nonshppict", "listtable", "listoverridetable", "xmlnstbl", "filetbl", "revtbl", "themedata",
]);
const SYMBOLS: Record<string, string> = {
  line: "\n", tab: "\t", lquote: "‘", rquote: "’", ldblquote: "“", rdblquote: "”", emdash: "—", endash: "–", bullet: "•",
  emspace: " ", enspace: " ",
};
const ENDS = new Set(["par", "sect", "page"]);
const LATIN = "windows-1252";
const CODE_PAGES: Record<number, string> = { 437: LATIN, 850: LATIN, 874: "windows-874", 932: "shift_jis", 936: "gbk", 949: "euc-kr", 950: "big5", 10000: "macintosh", 65001: "utf-8" };
/** Code pages of fonts by their character sets. */
const CHARSETS: Record<number, number> = { 77: 10000, 128: 932, 129: 949, 134: 936, 136: 950, 161: 1253, 162: 1254, 163: 1258, 177: 1255, 178: 1256, 186: 1257, 204: 1251, 222: 874, 238: 1250 };
const DEEPEST = 1_000;

interface State {
  isLeftOut: boolean;
  isFontTable: boolean;
  bold: boolean;
  italic: boolean;
  font: number;
  /** Characters that stand after each one in Unicode, for readers that know none. */
  fallbacks: number;
}

serve((bytes, root) => renderRtf(bytes, root));

export function renderRtf(bytes: ArrayBuffer, root: HTMLElement): void {
  const source = new TextDecoder("latin1").decode(bytes);
  if (!source.startsWith("{\\rtf")) throw new CannotShow("damaged");
  new Reader(source, new Paragraphs(paper(root))).read();
}

class Reader {
  private state: State = { isLeftOut: false, isFontTable: false, bold: false, italic: false, font: 0, fallbacks: 1 };
  private readonly outer: State[] = [];
  private readonly codePages = new Map<number, number>();
  private codePage = 1252;
  private encoded: number[] = [];
  private skipped = 0;

  constructor(
    private readonly source: string,
    private readonly paragraphs: Paragraphs,
  ) {}

  read(): void {
    const tokens = new RegExp(TOKEN);
    for (let found = tokens.exec(this.source); found && !this.paragraphs.isFull; found = tokens.exec(this.source)) {
      const [, word, number, code, symbol, brace, text] = found;
      if (code) this.character(Number.parseInt(code, 16));
      else if (text) for (const character of text) this.character(character.charCodeAt(0) & 0xff);
      else if (word || symbol || brace) {
        this.flush();
        if (brace) this.group(brace);
        else if (symbol) this.symbol(symbol);
        else if (word === "bin") tokens.lastIndex += Math.max(Number(number ?? 0), 0);
        else if (word) this.word(word, number === undefined ? undefined : Number(number));
      }
    }
    this.flush();
    this.paragraphs.finish();
  }

  private group(brace: string): void {
    this.skipped = 0;
    if (brace === "}") this.state = this.outer.pop() ?? this.state;
    else {
      if (this.outer.length > DEEPEST) throw new CannotShow("damaged");
      this.outer.push(this.state);
      this.state = { ...this.state };
    }
  }

  private symbol(symbol: string): void {
    if (symbol === "*") this.state.isLeftOut = true;
    else if (symbol === "~") this.write("\u00a0");
    else if (symbol === "_") this.write("\u2011");
    else if (symbol === "\n" || symbol === "\r") this.word("par");
    else if ("\\{}".includes(symbol)) this.character(symbol.charCodeAt(0));
  }

  private word(word: string, number?: number): void {
    const state = this.state;
    if (LEFT_OUT.has(word)) state.isLeftOut = true;
    else if (word === "fonttbl") state.isLeftOut = state.isFontTable = true;
    else if (word === "ansicpg") this.codePage = number ?? this.codePage;
    else if (word === "f") state.font = number ?? 0;
    else if (word === "fcharset" && state.isFontTable) this.codePages.set(state.font, CHARSETS[number ?? 0] ?? 0);
    else if (word === "b") state.bold = number !== 0;
    else if (word === "i") state.italic = number !== 0;
    else if (word === "plain") state.bold = state.italic = false;
    else if (word === "uc") state.fallbacks = number ?? 1;
    else if (word === "u") this.unicode(number ?? 0);
    else if (SYMBOLS[word]) this.write(SYMBOLS[word]);
    else if (!state.isLeftOut && ENDS.has(word)) this.paragraphs.end();
    else if (!state.isLeftOut && word === "cell") this.paragraphs.endCell();
    else if (!state.isLeftOut && word === "row") this.paragraphs.endRow();
  }

  private unicode(number: number): void {
    this.write(String.fromCharCode(number & 0xffff));
    this.skipped = this.state.fallbacks;
  }

  /** A byte of text in the font's code page, of which a character may have two. */
  private character(code: number): void {
    if (this.skipped > 0) this.skipped -= 1;
    else if (!this.state.isLeftOut) this.encoded.push(code);
  }

  private flush(): void {
    if (!this.encoded.length) return;
    const page = this.codePages.get(this.state.font) || this.codePage;
    const name = CODE_PAGES[page] ?? (page >= 1250 && page <= 1258 ? `windows-${page}` : LATIN);
    this.write(new TextDecoder(name).decode(new Uint8Array(this.encoded)));
    this.encoded = [];
  }

  private write(text: string): void {
    if (this.state.isLeftOut) return;
    if (!this.state.bold && !this.state.italic) return this.paragraphs.write(text);
    const span = element("span", text);
    if (this.state.bold) span.style.fontWeight = "bold";
    if (this.state.italic) span.style.fontStyle = "italic";
    this.paragraphs.write(span);
  }
}
