/** Text documents and presentations of OpenDocument: their texts, lists, tables and pictures, without layout. */
import { type Parts, unpack } from "./archive";
import { cutHere, element, paper } from "./elements";
import { serve } from "./frame";
import { attribute, contentOf, nameOf, timesOf } from "./odf-xml";

const MOST_ELEMENTS = 50_000;
const HTML: Record<string, keyof HTMLElementTagNameMap> = {
  "text:p": "p", "text:list": "ul", "text:list-item": "li", "text:span": "span", "text:a": "span",
  "table:table": "table", "table:table-row": "tr", "table:table-cell": "td", "drawing:page": "section",
};
/** Elements whose children are the text that a reader reads. */
const WITH_TEXT = ["text:p", "text:h", "text:span", "text:a"];
const LEFT_OUT = [
  "text:tracked-changes", "text:sequence-decls", "text:note-citation", "text:index-title-template", "office:annotation",
  "office:forms", "office:scripts", "office:event-listeners", "presentation:notes", "table:covered-table-cell",
];
const PICTURES: Record<string, string> = { png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", gif: "image/gif", webp: "image/webp" };

serve(async (bytes, root) => render(await unpack(bytes), root));

export function render(parts: Parts, root: HTMLElement): void {
  const { document, body } = contentOf(parts);
  new Drawing(parts, emphasesOf(document)).draw(body, paper(root), false);
}

interface Emphasis {
  bold: boolean;
  italic: boolean;
}

class Drawing {
  private left = MOST_ELEMENTS;

  constructor(
    private readonly parts: Parts,
    private readonly emphases: Map<string, Emphasis>,
  ) {}

  /** Append what is in `source` to `target`; texts only where they are to be read, not what indents the XML. */
  draw(source: Element, target: HTMLElement, isText: boolean): void {
    for (const node of source.childNodes) {
      if (node instanceof Text) {
        if (isText) target.append((node.textContent ?? "").replace(/\s+/g, " "));
      } else if (node instanceof Element) {
        this.left -= 1;
        if (this.left === 0) target.append(cutHere());
        if (this.left <= 0) return;
        this.drawElement(node, target, isText);
      }
    }
  }

  private drawElement(node: Element, target: HTMLElement, isText: boolean): void {
    const name = nameOf(node);
    if (LEFT_OUT.includes(name)) return;
    if (name === "text:s") target.append(" ".repeat(timesOf(node, "c")));
    else if (name === "text:tab") target.append("\t");
    else if (name === "text:line-break") target.append(element("br"));
    else if (name === "drawing:image") this.drawPicture(node, target);
    else {
      const made = name === "text:h" ? element(`h${Math.min(timesOf(node, "outline-level"), 6)}` as "h1") : HTML[name] && element(HTML[name]);
      if (!made) return this.draw(node, target, isText);
      const emphasis = this.emphases.get(attribute(node, "style-name"));
      if (emphasis?.bold) made.style.fontWeight = "bold";
      if (emphasis?.italic) made.style.fontStyle = "italic";
      this.draw(node, made, WITH_TEXT.includes(name));
      if (made instanceof HTMLTableCellElement) made.colSpan = timesOf(node, "number-columns-spanned");
      target.append(made);
      for (let copy = 1; made.textContent && copy < timesOf(node, "number-columns-repeated"); copy += 1) target.append(made.cloneNode(true));
    }
  }

  private drawPicture(node: Element, target: HTMLElement): void {
    const path = attribute(node, "href");
    const type = PICTURES[path.slice(path.lastIndexOf(".") + 1).toLowerCase()];
    const part = this.parts.get(path.replace(/^\.\//, ""));
    if (!part || !type) return;
    const picture = element("img");
    picture.src = URL.createObjectURL(new Blob([part as BlobPart], { type }));
    picture.alt = "";
    target.append(picture);
  }
}

/** What the styles of a document make bold or italic, by their names. */
function emphasesOf(content: Document): Map<string, Emphasis> {
  const found = new Map<string, Emphasis>();
  for (const style of content.getElementsByTagName("*")) {
    if (nameOf(style) !== "style:style") continue;
    const properties = [...style.children].find((child) => nameOf(child) === "style:text-properties");
    if (!properties) continue;
    const weight = attribute(properties, "font-weight");
    const bold = weight === "bold" || Number(weight) >= 600;
    found.set(attribute(style, "name"), { bold, italic: attribute(properties, "font-style") === "italic" });
  }
  return found;
}
