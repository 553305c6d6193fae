import { readFileSync } from "node:fs";
import { CFB } from "@e965/xlsx";
import { strToU8, zipSync } from "fflate";
import { expect, test } from "vitest";
import { unpack } from "@/office-frame/archive";
import { renderDoc, showText } from "@/office-frame/doc";
import { openSheets } from "@/office-frame/ods";
import { render } from "@/office-frame/opendocument";
import { renderPpt } from "@/office-frame/ppt";
import { renderRtf } from "@/office-frame/rtf";
import { sheetsOf } from "@/office-frame/xls";

const sample = (name: string): ArrayBuffer => new Uint8Array(readFileSync(`../tests/support/office_files/${name}`)).buffer;
const bytes = (text: string): ArrayBuffer => Uint8Array.from(text, (character) => character.charCodeAt(0)).buffer;

function shown(draw: (root: HTMLElement) => void): HTMLElement {
  const root = document.createElement("main");
  draw(root);
  return root.querySelector("article") as HTMLElement;
}

const rtf = (text: string) => shown((root) => renderRtf(bytes(text), root));
const lines = (page: HTMLElement) => [...page.children].map((child) => child.textContent);

test("a document of Word 97 is shown as text", () => {
  const page = shown((root) => renderDoc(sample("word97.doc"), root));
  expect(lines(page)).toEqual(["Test OLE file, saved as Word 97-2003 Document."]);
});

test("of a document of Word tables and results of fields are shown", () => {
  const field = '\x13 HYPERLINK "javascript:alert(1)" \x14link\x15';
  const page = shown((root) => showText(`before ${field}\x13 PAGE \x15.\x01\ra\x07b\x0bc\x07\x07d\x07e\x07\x07\x0cafter\r`, root));
  expect(lines(page)).toEqual(["before link.", "ab\ncde", "", "after"]);
  expect([...page.querySelectorAll("tr")].map((row) => [...row.cells].map((cell) => cell.textContent))).toEqual([["a", "b\nc"], ["d", "e"]]);
});

test("of a presentation of PowerPoint 97 each slide's texts are shown", () => {
  const page = shown((root) => renderPpt(sample("powerpoint97.ppt"), root));
  const slides = [...page.querySelectorAll("section")].map((slide) => lines(slide));
  expect(slides).toEqual([["Welcome everybody", "Größe of the harbour", "Second line", "Rent", "1200"], ["Thank you", "日本"]]);
});

/** A record of [MS-PPT] 2.3.1. */
function record(type: number, parts: Uint8Array[], head = 0): Uint8Array {
  const content = joined(...parts);
  return joined(numbers(head | (type << 16), content.length), content);
}
const numbers = (...values: number[]) => new Uint8Array(Uint32Array.from(values).buffer);
const joined = (...parts: Uint8Array[]) => Uint8Array.from(parts.flatMap((part) => [...part]));
const container = (type: number, ...parts: Uint8Array[]) => record(type, parts, 0xf);
const utf16 = (text: string) => record(0x0fa0, [new Uint8Array(Uint16Array.from(text, (one) => one.charCodeAt(0)).buffer)]);
const directory = (first: number, ...places: number[]) => record(0x1772, [numbers((places.length << 20) | first, ...places)]);
const edit = (before: number, places: number) => record(0x0ff5, [numbers(0, 0, before, places, 1)]);

/** A presentation whose one slide was changed and saved again. */
function savedTwice({ token = 0xe391c05f, before = (first: number, _own: number) => first } = {}): ArrayBuffer {
  const header = record(0x0f9f, [numbers(0)]);
  const whole = container(0x03e8, container(0x0ff0, record(0x03f3, [numbers(2, 0, 0, 0, 0)]), header, utf16("Title\vof it"), header, header, utf16("Last")));
  const slide = (own: string) => container(0x03ee, container(0xf00d, record(0x0f9e, [numbers(2)])), container(0xf00d, record(0x0f9e, [numbers(0)])), container(0xf00d, utf16(own)));
  const parts = [whole, slide("old")];
  const end = () => parts.reduce((sum, part) => sum + part.length, 0);
  let last = 0;
  for (const places of [[0, whole.length], [0, 0]]) {
    if (last) {
      places[1] = end();
      parts.push(slide("new"));
    }
    const at = end();
    parts.push(directory(1, ...places));
    const written = end();
    parts.push(edit(last && before(last, written), at));
    last = written;
  }
  const file = CFB.utils.cfb_new();
  CFB.utils.cfb_add(file, "/PowerPoint Document", joined(...parts));
  CFB.utils.cfb_add(file, "/Current User", numbers(0, 0, 0x14, token, last));
  return Uint8Array.from(CFB.write(file, { type: "array" }) as Uint8Array).buffer;
}

test("of a presentation that was saved again the last slide is shown, with the texts of the outline", () => {
  const page = shown((root) => renderPpt(savedTwice(), root));
  expect(lines(page.querySelector("section") as HTMLElement)).toEqual(["Last", "Title\nof it", "new"]);
});

test("a spreadsheet of Excel 97 has its sheets and values", async () => {
  expect(await sheetsOf(sample("excel97.xls"))).toEqual([
    { sheet: "Costs", data: [["Rent", 1200], ["Größe", 2.5], ["Paid", new Date("2026-11-25T00:00:00Z")]] },
    { sheet: "More", data: [["Second sheet"]] },
  ]);
});

test("RTF is shown as text, in the code pages of its fonts and in Unicode", () => {
  const page = rtf(
    String.raw`{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset204 Arial;}{\f2\fcharset128 X;}}{\*\generator X;}` +
      String.raw`{\info{\title Secret}}\f0 Gr\'fc\'dfe, \b bold\b0  \u8364?\par{\f1\'cf\'f0\'e8}{\f2 \'93\'fa\'96` +
      "\r\n" + String.raw`\'7b}\par` +
      String.raw`\pict\bin3 }}}` + "\n" + String.raw`{\pict 0123}a\cell b\cell\row last \{\}}`,
  );
  expect(lines(page).slice(0, 2)).toEqual(["Grüße, bold €", "При日本"]);
  expect(page.querySelector("span")?.style.fontWeight).toBe("bold");
  expect(page.textContent).not.toContain("Secret");
});

test("tables of RTF are tables", () => {
  const page = rtf(String.raw`{\rtf1 before\par a\cell b\par c\cell\row d\cell e\cell\row after\par}`);
  expect([...page.querySelectorAll("tr")].map((row) => [...row.cells].map((cell) => cell.textContent))).toEqual([["a", "bc"], ["d", "e"]]);
  expect(lines(page)).toEqual(["before", "abcde", "after"]);
});

const XMLNS = ["office", "text", "table", "drawing", "style", "presentation"]
  .map((name) => `xmlns:${name}="urn:oasis:names:tc:opendocument:xmlns:${name}:1.0"`).join(" ");

async function openDocument(kind: string, body: string, more: Record<string, Uint8Array> = {}): Promise<HTMLElement> {
  const content = `<office:c ${XMLNS} xmlns:fo="f" xmlns:xlink="x"><style:style style:name="T1"><style:text-properties fo:font-weight="bold"/></style:style>
    <office:body><office:${kind}>${body}</office:${kind}></office:body></office:c>`;
  const parts = await unpack(zipSync({ "content.xml": strToU8(content), ...more }).slice().buffer as ArrayBuffer);
  return shown((root) => render(parts, root));
}

test("a text document of OpenDocument has headings, emphasis, lists, tables and pictures", async () => {
  const page = await openDocument(
    "text",
    `<text:h text:outline-level="2">Head<text:s text:c="3"/>line</text:h>
     <text:p>One <text:span text:style-name="T1">two</text:span><text:line-break/>three<drawing:frame><drawing:image xlink:href="Pictures/a.png"/></drawing:frame></text:p>
     <text:list><text:list-item><text:p>Point</text:p></text:list-item></text:list><text:tracked-changes><text:p>gone</text:p></text:tracked-changes>
     <table:table><table:table-row><table:table-cell table:number-columns-repeated="999999999"><text:p>x</text:p></table:table-cell></table:table-row></table:table>`,
    { "Pictures/a.png": new Uint8Array([137, 80, 78, 71]) },
  );
  expect(page.querySelector("h2")?.textContent).toBe("Head   line");
  expect(page.querySelector("span")?.style.fontWeight).toBe("bold");
  expect(page.querySelector("li")?.textContent).toBe("Point");
  expect(page.querySelector("img")?.src).toMatch(/^blob:/);
  expect(page.querySelectorAll("td")).toHaveLength(100);
  expect(page.textContent).not.toContain("gone");
});

async function sheetsOfOds(...rows: string[]) {
  const content = `<office:c ${XMLNS}><office:body><office:spreadsheet><table:table table:name="One">${rows.join("\n")}</table:table></office:spreadsheet></office:body></office:c>`;
  return openSheets(await unpack(zipSync({ "content.xml": strToU8(content) }).slice().buffer as ArrayBuffer));
}

const VAST = 'table:number-rows-repeated="1048576" table:number-columns-repeated="16384"';
const cell = (text: string, more = "") => `<table:table-cell ${more}><text:p>${text}</text:p></table:table-cell>`;
const row = (cells: string, more = "") => `<table:table-row ${more}>${cells}</table:table-row>`;

test("a spreadsheet of OpenDocument has its sheets and values", async () => {
  const sheets = await sheetsOfOds(
    row(cell("Rent") + cell("1,200.00", 'office:value-type="float" office:value="1200"') + cell("5 €", 'office:value-type="currency" office:value="5"')),
    `<table:table-header-rows>${row(`<table:table-cell/><table:covered-table-cell/>${cell("c")}<table:table-cell ${VAST}/>`)}</table:table-header-rows>`,
    row("<table:table-cell/>", VAST),
  );
  expect(sheets).toEqual([{ sheet: "One", data: [["Rent", 1200, "5 €"], ["", "", "c"]] }]);
});

test("of a vast sheet only the beginning is read", async () => {
  const [sheet] = await sheetsOfOds(row(cell("x", VAST), VAST).repeat(3));
  expect(sheet?.data).toHaveLength(1_001);
  expect(new Set(sheet?.data.map((cells) => cells.length))).toEqual(new Set([101]));
});

test("a presentation of OpenDocument has its slides, without the speaker's notes", async () => {
  const slide = (text: string) => `<drawing:page><drawing:frame><text:p>${text}</text:p></drawing:frame><presentation:notes><text:p>hidden</text:p></presentation:notes></drawing:page>`;
  const page = await openDocument("presentation", slide("Welcome") + slide("Thanks"));
  expect([...page.querySelectorAll("section")].map((section) => section.textContent)).toEqual(["Welcome", "Thanks"]);
});

test("nothing of a hostile document becomes a link, a script or a request", async () => {
  const page = await openDocument(
    "text",
    `<text:p>&lt;img src=x onerror=alert(1)&gt;<text:a xlink:href="javascript:alert(1)">link</text:a></text:p><script xmlns="http://www.w3.org/1999/xhtml">alert(1)</script>
     <drawing:image xlink:href="http://example.org/a.png"/><office:scripts><text:p>macro</text:p></office:scripts>`,
  );
  expect(page.querySelectorAll("a, script, img")).toHaveLength(0);
  expect(page.textContent).toContain("<img src=x onerror=alert(1)>link");
  const html = rtf(String.raw`{\rtf1 <script>alert(1)</script>{\field{\*\fldinst HYPERLINK "javascript:alert(1)"}{\fldrslt link}}}`);
  expect(html.querySelectorAll("a, script")).toHaveLength(0);
  expect(html.textContent).toBe("<script>alert(1)</script>link");
});

test.each<[string, () => unknown, string]>([
  ["a document that is no container", () => renderDoc(bytes("no document"), document.body), "damaged"],
  ["a container without a document", () => renderDoc(sample("excel97.xls"), document.body), "damaged"],
  ["a document that is cut off", () => renderDoc(sample("word97.doc").slice(0, 9_000), document.body), "damaged"],
  ["an encrypted document", () => renderDoc(encrypted(), document.body), "protected"],
  ["a presentation that is cut off", () => renderPpt(sample("powerpoint97.ppt").slice(0, 6_000), document.body), "damaged"],
  ["an encrypted presentation", () => renderPpt(savedTwice({ token: 0xf3d1c4df }), document.body), "protected"],
  ["a presentation of endless edits", () => renderPpt(savedTwice({ before: (_, own) => own }), document.body), "damaged"],
  ["a document as a presentation", () => renderPpt(sample("word97.doc"), document.body), "damaged"],
  ["RTF that is none", () => renderRtf(bytes("{\\pwi}"), document.body), "damaged"],
  ["RTF in endless groups", () => renderRtf(bytes(`{\\rtf1${"{".repeat(100_000)}`), document.body), "damaged"],
  ["a spreadsheet of garbage", () => sheetsOf(bytes("\x00\x01garbage")), "damaged"],
  ["a spreadsheet that is cut off", () => sheetsOf(sample("excel97.xls").slice(0, 1_000)), "damaged"],
  ["OpenDocument without content", () => render(new Map(), document.body), "damaged"],
  ["encrypted OpenDocument", () => render(new Map([["META-INF/manifest.xml", strToU8("<m><encryption-data/></m>")]]), document.body), "protected"],
])("%s is refused", async (_, draw, reason) => {
  await expect((async () => draw())()).rejects.toMatchObject({ reason });
});

function encrypted(): ArrayBuffer {
  const whole = new Uint8Array(sample("word97.doc"));
  const at = whole.findIndex((byte, index) => byte === 0xec && whole[index + 1] === 0xa5);
  whole[at + 11] = (whole[at + 11] ?? 0) | 1;
  return whole.buffer;
}
