/** Decodes a file as text, up to a size limit. */
import { fetchContent } from "@/api/client";

export const MOST_BYTES = 2 << 20;

export interface ShownText {
  text: string;
  truncated: boolean;
}

export async function fetchText(fileId: string, version?: number, signal?: AbortSignal): Promise<ShownText> {
  const response = await fetchContent(fileId, version, signal);
  const reader = response.body?.getReader();
  if (!reader) return { text: "", truncated: false };
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    bytes += value.length;
    if (bytes > MOST_BYTES) {
      await reader.cancel();
      break;
    }
  }
  const all = new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
  return { text: decode(all.slice(0, MOST_BYTES)), truncated: bytes > MOST_BYTES };
}

/** UTF-8, or by its byte order mark UTF-16, else Windows-1252. */
export function decode(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: true });
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}
