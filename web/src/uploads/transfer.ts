/** One PUT to the object store. XMLHttpRequest, because fetch does not report upload progress. */
import { i18n } from "@lingui/core";

export class TransferError extends Error {
  constructor(
    /** 0: there was no response. */
    readonly status: number,
  ) {
    super(status === 0 ? i18n.t("The connection broke off.") : i18n.t("The object store responded with {status}.", { status }));
  }

  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export interface Transfer {
  url: string;
  body: Blob;
  headers?: Record<string, string>;
  /** Bytes of this request that are sent. */
  onProgress: (sent: number) => void;
  signal: AbortSignal;
}

/** Set by the store or the browser; a script may not. */
const NOT_OURS = new Set(["content-length", "host"]);

export function put({ url, body, headers = {}, onProgress, signal }: Transfer): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    signal.addEventListener("abort", abort);
    request.upload.onprogress = (event) => onProgress(event.loaded);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) {
        onProgress(body.size);
        resolve();
      } else reject(new TransferError(request.status));
    };
    request.onerror = () => reject(new TransferError(0));
    request.onabort = () => reject(signal.reason);
    request.onloadend = () => signal.removeEventListener("abort", abort);
    request.open("PUT", url);
    for (const [name, value] of Object.entries(headers)) {
      if (!NOT_OURS.has(name.toLowerCase())) request.setRequestHeader(name, value);
    }
    request.send(body);
  });
}

/** At most so many at once, in the order in which they ask. */
export class Lanes {
  private waiting: (() => void)[] = [];

  constructor(private free: number) {}

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.free > 0) this.free -= 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.free += 1;
    }
  }
}
