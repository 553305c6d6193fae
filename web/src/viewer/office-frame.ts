/** Drives the sandboxed frame that renders an Office document: bounds its size and its time, trusts none of its messages. */
import { CannotShow, frameMessage } from "@/lib/office";

export const MAX_BYTES = 20 << 20;
export const LIMIT_MS = 20_000;

/** No allow-same-origin: its origin is opaque, without the page's cookies, storage and token. */
export const SANDBOX = "allow-scripts";

/** Read a body whole. Rejects with CannotShow once it is too large. */
export async function boundedBytes(response: Response, most = MAX_BYTES): Promise<ArrayBuffer> {
  const reader = response.body?.getReader();
  const parts: BlobPart[] = [];
  for (let size = 0; reader; ) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > most) {
      await reader.cancel();
      throw new CannotShow("too_large");
    }
    parts.push(value as BlobPart);
  }
  return new Blob(parts).arrayBuffer();
}

/** Send the bytes to the frame and wait until they are rendered. Rejects with CannotShow; remove the frame then. */
export function renderIn(frame: HTMLIFrameElement, load: Promise<ArrayBuffer>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let timer: ReturnType<typeof setTimeout>;
    let sent = false;
    function settle(error?: unknown): void {
      clearTimeout(timer);
      removeEventListener("message", onMessage);
      if (error === undefined) resolve();
      else reject(error as Error);
    }
    function limit(reason: "not_loaded" | "timed_out"): void {
      clearTimeout(timer);
      timer = setTimeout(() => settle(new CannotShow(reason)), LIMIT_MS);
    }
    function onMessage(event: MessageEvent): void {
      if (event.source !== frame.contentWindow || event.origin !== "null") return;
      const message = frameMessage(event.data);
      if (message?.state === "ready" && !sent) {
        sent = true;
        clearTimeout(timer);
        load.then((bytes) => {
          if (signal.aborted) return;
          limit("timed_out");
          frame.contentWindow?.postMessage({ bytes }, "*", [bytes]); // an opaque origin has no name
        }, settle);
      } else if (message?.state === "rendered" && sent) settle();
      else if (message?.state === "failed" && sent) settle(new CannotShow(message.reason));
    }
    addEventListener("message", onMessage);
    signal.addEventListener("abort", () => settle(new CannotShow("not_loaded")));
    load.catch(settle);
    limit("not_loaded");
  });
}
