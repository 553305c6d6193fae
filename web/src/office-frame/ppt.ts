/** Presentations of PowerPoint 97 to 2003: the texts of their slides, without layout.

Source: [MS-PPT] 2.1.2, "PowerPoint Document Stream": each save appends to a tree of records and a directory of where the
latest slides are. A slide has texts of its own, and refers to those that the list of all slides has for it. */
import { CannotShow } from "../lib/office";
import { fromContainer } from "./container";
import { cutHere, element, paper } from "./elements";
import { serve } from "./frame";

const ENCRYPTED = 0xf3d1c4df;
const MOST_EDITS = 10_000;
const MOST_RECORDS = 500_000;
const MOST_TEXTS = 20_000;
const SLIDES = 0x0ff0;
const SLIDE_OF_LIST = 0x03f3;
const OUTLINE_TEXT = 0x0f9e;
const TEXT_HEADER = 0x0f9f;
const TEXT_UTF16 = 0x0fa0;
const TEXT_BYTES = 0x0fa8;
const [LINE_BREAK, PARAGRAPH] = [/\v/g, "\r"];

serve((bytes, root) => renderPpt(bytes, root));

/** Show each slide as a section. Throws CannotShow. */
export function renderPpt(bytes: ArrayBuffer, root: HTMLElement): void {
  const slides = fromContainer(bytes, (stream) => new Presentation(stream("Current User"), stream("PowerPoint Document")).slides());
  const page = paper(root);
  let left = MOST_TEXTS;
  for (const texts of slides) {
    const section = element("section");
    const paragraphs = texts.flatMap((text) => text.replace(LINE_BREAK, "\n").split(PARAGRAPH)).slice(0, left);
    section.append(...paragraphs.map((text) => element("p", text)));
    page.append(section);
    left -= paragraphs.length;
  }
  if (!left) page.append(cutHere());
}

interface Entry {
  type: number;
  instance: number;
  /** Of its content. */
  at: number;
  end: number;
  isContainer: boolean;
}

class Presentation {
  private records = 0;

  constructor(
    private readonly user: DataView,
    private readonly stream: DataView,
  ) {}

  /** The texts of each slide, in their order. */
  slides(): string[][] {
    if (this.user.getUint32(12, true) === ENCRYPTED) throw new CannotShow("protected");
    const places = new Map<number, number>();
    const whole = this.directory(this.user.getUint32(16, true), places);
    const list = [...this.children(this.entry(placeOf(places, whole)))].find((each) => each.type === SLIDES && each.instance === 0);
    if (!list) return [];
    const slides: { place: number; outline: string[] }[] = [];
    for (const each of this.children(list)) {
      if (each.type === SLIDE_OF_LIST) slides.push({ place: placeOf(places, this.stream.getUint32(each.at, true)), outline: [] });
      else this.addOutline(each, slides.at(-1)?.outline ?? []);
    }
    return slides.map(({ place, outline }) => [...this.textsOf(this.entry(place), outline)].filter((text) => text.trim()));
  }

  /** Note where the latest of everything is, from the last edit back; returns the number of the whole document. */
  private directory(lastEdit: number, places: Map<number, number>): number {
    const whole = this.stream.getUint32(lastEdit + 8 + 16, true);
    for (let edit = lastEdit, edits = 0; edit; edit = this.stream.getUint32(edit + 8 + 8, true), edits += 1) {
      if (edits > MOST_EDITS) throw new CannotShow("damaged");
      const { at, end } = this.entry(this.stream.getUint32(edit + 8 + 12, true));
      for (let next = at; next < end; ) {
        const packed = this.stream.getUint32(next, true);
        const [first, count] = [packed & 0xfffff, packed >>> 20];
        for (let number = 0; number < count; number += 1) {
          this.count();
          const place = this.stream.getUint32(next + 4 + 4 * number, true);
          if (!places.has(first + number)) places.set(first + number, place);
        }
        next += 4 + 4 * count;
      }
    }
    return whole;
  }

  private addOutline(entry: Entry, outline: string[]): void {
    if (entry.type === TEXT_HEADER) outline.push("");
    const text = this.text(entry);
    if (text !== undefined && outline.length) outline[outline.length - 1] = text;
  }

  private *textsOf(entry: Entry, outline: readonly string[]): Generator<string> {
    const text = this.text(entry);
    if (text !== undefined) yield text;
    else if (entry.type === OUTLINE_TEXT) yield outline[this.stream.getUint32(entry.at, true)] ?? "";
    else if (entry.isContainer) for (const each of this.children(entry)) yield* this.textsOf(each, outline);
  }

  private text({ type, at, end }: Entry): string | undefined {
    if (type !== TEXT_UTF16 && type !== TEXT_BYTES) return undefined;
    const encoded = new Uint8Array(this.stream.buffer, this.stream.byteOffset + at, end - at);
    return new TextDecoder(type === TEXT_UTF16 ? "utf-16le" : "windows-1252").decode(encoded);
  }

  private *children(entry: Entry): Generator<Entry> {
    for (let at = entry.at; at + 8 <= entry.end; ) {
      const child = this.entry(at);
      yield child;
      at = child.end;
    }
  }

  private entry(at: number): Entry {
    this.count();
    const head = this.stream.getUint16(at, true);
    const end = at + 8 + this.stream.getUint32(at + 4, true);
    if (end > this.stream.byteLength) throw new CannotShow("damaged");
    return { type: this.stream.getUint16(at + 2, true), instance: head >> 4, at: at + 8, end, isContainer: (head & 0xf) === 0xf };
  }

  /** Places may be named again and again. */
  private count(): void {
    this.records += 1;
    if (this.records > MOST_RECORDS) throw new CannotShow("too_large");
  }
}

function placeOf(places: ReadonlyMap<number, number>, number: number): number {
  const place = places.get(number);
  if (place === undefined) throw new CannotShow("damaged");
  return place;
}
