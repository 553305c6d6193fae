/** Unpacks an Office document within bounds, before a library reads it. */
import { zipSync } from "fflate";
import { CannotShow } from "../lib/office";

const MIB = 1 << 20;

export interface Bounds {
  entries: number;
  /** Of all entries, unpacked. */
  bytes: number;
  /** Of all XML, which costs many times its size in memory. */
  xmlBytes: number;
}

export const BOUNDS: Bounds = { entries: 4_000, bytes: 100 * MIB, xmlBytes: 24 * MIB };

const END = 0x06054b50;
const END_BYTES = 22;
const LONGEST_COMMENT = 0xffff;
const ENTRY = 0x02014b50;
const ENTRY_BYTES = 46;
const LOCAL = 0x04034b50;
const LOCAL_BYTES = 30;
const OLE = 0xd0cf11e0;
const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED = 1;

interface Entry {
  name: string;
  method: number;
  size: number;
  packed: Uint8Array<ArrayBuffer>;
}

export type Parts = Map<string, Uint8Array>;

/** Unpack all entries. Rejects with CannotShow, as soon as a bound is passed. */
export async function unpack(bytes: ArrayBuffer, bounds: Bounds = BOUNDS): Promise<Parts> {
  const entries = entriesOf(bytes, bounds);
  const parts: Parts = new Map();
  let left = bounds.bytes;
  let xmlLeft = bounds.xmlBytes;
  for (const entry of entries) {
    const part = entry.method === STORED ? entry.packed : await inflated(entry.packed, Math.min(entry.size, left));
    left -= part.length;
    if (isMarkup(part)) {
      xmlLeft -= part.length;
      // Entities multiply, or lead elsewhere. No document of Office has them.
      if (text(part).includes("<!DOCTYPE")) throw new CannotShow("damaged");
    }
    if (left < 0 || xmlLeft < 0) throw new CannotShow("too_large");
    parts.set(entry.name, part);
  }
  return parts;
}

/** The same parts as a ZIP without compression, so that no library inflates anything. */
export const repacked = (parts: Parts): Uint8Array<ArrayBuffer> =>
  new Uint8Array(zipSync(Object.fromEntries(parts), { level: 0 }));

/** By its byte order mark, else UTF-8. */
export function text(part: Uint8Array): string {
  const mark = (part[0] ?? 0) * 256 + (part[1] ?? 0);
  const encoding = mark === 0xfffe || part[1] === 0 ? "utf-16le" : mark === 0xfeff || part[0] === 0 ? "utf-16be" : "utf-8";
  return new TextDecoder(encoding).decode(part);
}

/** Whatever its name is: any part can be referred to as one of XML. */
function isMarkup(part: Uint8Array): boolean {
  const first = part.subarray(0, 64).find((byte) => ![0x00, 0x09, 0x0a, 0x0d, 0x20, 0xef, 0xbb, 0xbf, 0xfe, 0xff].includes(byte));
  return first === 0x3c;
}

/** The entries that the central directory lists, bounded by what it declares. */
function entriesOf(bytes: ArrayBuffer, bounds: Bounds): Entry[] {
  const view = new DataView(bytes);
  if (view.byteLength >= 4 && view.getUint32(0) === OLE) throw new CannotShow("protected");
  try {
    const end = endOf(view);
    const count = view.getUint16(end + 10, true);
    if (count > bounds.entries) throw new CannotShow("too_large");
    const entries: Entry[] = [];
    let declared = 0;
    let at = view.getUint32(end + 16, true);
    for (let index = 0; index < count; index += 1) {
      if (view.getUint32(at, true) !== ENTRY) throw new CannotShow("damaged");
      const nameBytes = view.getUint16(at + 28, true);
      const name = new TextDecoder().decode(new Uint8Array(bytes, at + ENTRY_BYTES, nameBytes));
      const size = view.getUint32(at + 24, true);
      declared += size;
      if (declared > bounds.bytes) throw new CannotShow("too_large");
      if (view.getUint16(at + 8, true) & ENCRYPTED) throw new CannotShow("protected");
      if (!name.endsWith("/")) entries.push({ name, size, method: view.getUint16(at + 10, true), packed: packedAt(view, at) });
      at += ENTRY_BYTES + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    }
    return entries;
  } catch (error) {
    throw error instanceof CannotShow ? error : new CannotShow("damaged"); // an offset beyond the end
  }
}

function endOf(view: DataView): number {
  const first = Math.max(0, view.byteLength - END_BYTES - LONGEST_COMMENT);
  for (let at = view.byteLength - END_BYTES; at >= first; at -= 1) if (view.getUint32(at, true) === END) return at;
  throw new CannotShow("damaged");
}

function packedAt(view: DataView, entry: number): Uint8Array<ArrayBuffer> {
  const local = view.getUint32(entry + 42, true);
  const method = view.getUint16(entry + 10, true);
  if (view.getUint32(local, true) !== LOCAL || (method !== STORED && method !== DEFLATED)) throw new CannotShow("damaged");
  const start = local + LOCAL_BYTES + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  return new Uint8Array(view.buffer as ArrayBuffer, start, view.getUint32(entry + 20, true));
}

/** Inflate until there is more than `most`, which its directory declared. */
async function inflated(packed: Uint8Array<ArrayBuffer>, most: number): Promise<Uint8Array> {
  const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const whole = new Uint8Array(most);
  let size = 0;
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw new CannotShow("damaged");
    });
    if (done) return whole.subarray(0, size);
    if (size + value.length > most) {
      void reader.cancel();
      throw new CannotShow("too_large");
    }
    whole.set(value, size);
    size += value.length;
  }
}
