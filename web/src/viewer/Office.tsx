/** An Office document rendered in a sandboxed frame, where the server has no preview of it. */
import { type ReactNode, useEffect, useRef, useState } from "react";
import { fetchContent } from "@/api/client";
import type { FileItem } from "@/api/types";
import { CannotShow, type OfficeFormat, type Reason } from "@/lib/office";
import { Failed, Spinner } from "@/ui/states";
import { boundedBytes, frameUrl, MAX_BYTES, renderIn, SANDBOX } from "@/viewer/office-frame";

const WHY: Record<Reason, string> = {
  damaged: "This document can’t be shown here: it is damaged, or in another format than its name says. Download it to open it.",
  protected: "This document can’t be shown here: it is protected by a password, or in an older format. Download it to open it.",
  too_large: "This document is too large to be shown here. Download it to open it.",
  timed_out: "This document takes too long to be shown here. Download it to open it.",
  not_loaded: "The viewer for this document couldn’t be loaded. Download it, or reload the page.",
};

interface OfficeProps {
  file: FileItem;
  version: number;
  format: OfficeFormat;
  /** Shown with the reason where the document can't be. */
  instead: (why: string) => ReactNode;
}

export default function Office({ file, version, format, instead }: OfficeProps) {
  const frame = useRef<HTMLIFrameElement>(null);
  const [state, setState] = useState<"loading" | "shown" | { error: unknown }>("loading");
  useEffect(() => {
    const element = frame.current;
    if (!element) return undefined;
    const stop = new AbortController();
    async function load(): Promise<ArrayBuffer> {
      if (version === file.version && file.size > MAX_BYTES) throw new CannotShow("too_large");
      return boundedBytes(await fetchContent(file.id, version, stop.signal));
    }
    renderIn(element, load(), stop.signal).then(
      () => !stop.signal.aborted && setState("shown"),
      (error: unknown) => !stop.signal.aborted && setState({ error }),
    );
    element.src = frameUrl(format);
    return () => stop.abort();
  }, [file.id, file.size, file.version, version, format]);
  if (typeof state === "object") {
    return state.error instanceof CannotShow ? instead(WHY[state.error.reason]) : <Failed error={state.error} />;
  }
  return (
    <>
      {state === "loading" && <Spinner />}
      <iframe ref={frame} className="viewer-office" sandbox={SANDBOX} title={file.name} referrerPolicy="no-referrer" />
    </>
  );
}
