/** Compound files, the containers of Office documents before 2007, read by SheetJS. */
import { CFB } from "@e965/xlsx";
import { CannotShow } from "../lib/office";

/** What `read` makes of a container's streams, which it gets by their names. Throws CannotShow. */
export function fromContainer<T>(bytes: ArrayBuffer, read: (stream: (name: string) => DataView) => T): T {
  try {
    const container = CFB.read(new Uint8Array(bytes), { type: "array" });
    return read((name) => viewOf(CFB.find(container, name)?.content));
  } catch (error) {
    throw error instanceof CannotShow ? error : new CannotShow("damaged"); // no container, or a place beyond its end
  }
}

function viewOf(content: unknown): DataView {
  const bytes = Uint8Array.from(content as Uint8Array);
  return new DataView(bytes.buffer);
}
