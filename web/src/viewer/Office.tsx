/** An Office document rendered in a sandboxed frame, where the server has no preview of it. */
import { i18n } from "@lingui/core";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { fetchContent } from "@/api/client";
import type { FileItem } from "@/api/types";
import { CannotShow, frameUrl, isTextOnly, type OfficeFormat, TEXT_ONLY, WHY_NOT } from "@/lib/office";
import { Failed, Spinner } from "@/ui/states";
import { boundedBytes, MAX_BYTES, renderIn, SANDBOX } from "@/viewer/office-frame";

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
    element.src = frameUrl(format, document.documentElement.lang);
    return () => stop.abort();
  }, [file.id, file.size, file.version, version, format]);
  if (typeof state === "object") {
    return state.error instanceof CannotShow ? instead(i18n.t(WHY_NOT[state.error.reason])) : <Failed error={state.error} />;
  }
  return (
    <div className="viewer-document">
      {state === "loading" && <Spinner />}
      {state === "shown" && isTextOnly(format) && <p>{i18n.t(TEXT_ONLY)}</p>}
      <iframe ref={frame} className="viewer-office" sandbox={SANDBOX} title={file.name} referrerPolicy="no-referrer" />
    </div>
  );
}
