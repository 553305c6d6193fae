/** Renders a PDF page by page with PDF.js, without running its scripts. */
import { i18n } from "@lingui/core";
import { useEffect, useRef, useState } from "react";
import { GlobalWorkerOptions, getDocument, type PDFDocumentProxy, version as release } from "pdfjs-dist";
import workerUrl from "pdfjs-dist/build/pdf.worker.min.mjs?url";
import { fetchContent } from "@/api/client";
import { reason } from "@/api/problem";
import { Failed, Spinner } from "@/ui/states";

// Browsers start workers from the page's own origin only, and assets may come from another.
GlobalWorkerOptions.workerSrc = new URL(workerUrl, location.href).pathname;

/** Decoders, character maps and fonts that only some documents need; scripts/pdf-parts.mjs puts them there. */
const PARTS = import.meta.env.DEV ? "/node_modules/pdfjs-dist" : `/assets/pdfjs-${release}`;
const PARTS_URLS = {
  wasmUrl: `${PARTS}/wasm/`,
  cMapUrl: `${PARTS}/cmaps/`,
  standardFontDataUrl: `${PARTS}/standard_fonts/`,
};
const WIDEST_PX = 920;

export default function Pdf({ fileId, version, name }: { fileId: string; version?: number; name: string }) {
  const [document, setDocument] = useState<PDFDocumentProxy | null>(null);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    const stop = new AbortController();
    let loading: ReturnType<typeof getDocument> | undefined;
    async function load(): Promise<void> {
      const response = await fetchContent(fileId, version, stop.signal);
      const data = new Uint8Array(await response.arrayBuffer());
      loading = getDocument({
        data,
        enableXfa: false,
        isEvalSupported: false,
        ...PARTS_URLS,
      } as Parameters<typeof getDocument>[0]);
      setDocument(await loading.promise);
    }
    load().catch((caught: unknown) => {
      if (!stop.signal.aborted) setError(caught);
    });
    return () => {
      stop.abort();
      void loading?.destroy();
    };
  }, [fileId, version]);
  if (error) return <Failed error={error} />;
  if (!document) return <Spinner />;
  return (
    <div className="viewer-pdf" tabIndex={0} role="document" aria-label={name}>
      {Array.from({ length: document.numPages }, (_, index) => (
        <PdfPage key={index} document={document} number={index + 1} />
      ))}
    </div>
  );
}

function PdfPage({ document, number }: { document: PDFDocumentProxy; number: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [seen, setSeen] = useState(number === 1);
  const [ratio, setRatio] = useState(Math.SQRT2);
  const [text, setText] = useState("");
  const [error, setError] = useState<unknown>(null);

  useEffect(() => {
    const element = canvas.current;
    if (!element || seen) return undefined;
    const observer = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) setSeen(true);
    }, { rootMargin: "600px" });
    observer.observe(element);
    return () => observer.disconnect();
  }, [seen]);

  useEffect(() => {
    if (!seen) return undefined;
    let task: { cancel: () => void; promise: Promise<void> } | undefined;
    let gone = false;
    async function draw(): Promise<void> {
      const page = await document.getPage(number);
      const element = canvas.current;
      if (gone || !element) return;
      const plain = page.getViewport({ scale: 1 });
      setRatio(plain.height / plain.width);
      const width = Math.min(WIDEST_PX, element.parentElement?.clientWidth ?? WIDEST_PX) * (devicePixelRatio || 1);
      const viewport = page.getViewport({ scale: width / plain.width });
      element.width = Math.floor(viewport.width);
      element.height = Math.floor(viewport.height);
      task = page.render({ canvas: element, viewport });
      await task.promise;
      const content = await page.getTextContent();
      if (!gone) setText(content.items.map((item) => ("str" in item ? item.str : "")).join(" "));
    }
    draw().catch((caught: unknown) => {
      if (!gone) setError(caught);
    });
    return () => {
      gone = true;
      task?.cancel();
    };
  }, [document, number, seen]);

  return (
    <figure className="pdf-page">
      <canvas ref={canvas} style={{ aspectRatio: `1 / ${ratio}` }} role="img" aria-label={i18n.t("Page {number}", { number })} />
      {error !== null && (
        <p className="form-error" role="alert">
          {i18n.t("Page {number} could not be drawn: {error}", { number, error: reason(error) })}
        </p>
      )}
      <figcaption className="sr-only">{text}</figcaption>
    </figure>
  );
}
