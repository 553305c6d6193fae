/** Full-page viewer of one file; arrow keys show the next. Active content of a file never runs. */
import { i18n } from "@lingui/core";
import { useQuery } from "@tanstack/react-query";
import { ChevronLeft, ChevronRight, Download, FileQuestion, Pencil, X } from "lucide-react";
import { Suspense, useEffect, useRef, useState } from "react";
import { Dialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import { contentUrl } from "@/api/client";
import { hasCode } from "@/api/problem";
import { useFile } from "@/api/queries";
import { refresh } from "@/api/session";
import type { FileItem } from "@/api/types";
import { beginsEditing, canEdit, openEditing } from "@/editor/editing";
import { download } from "@/files/downloading";
import { getRetrieval, retrievalKey } from "@/files/retrieval";
import { size } from "@/lib/format";
import { isNeverPlayed, isOffice, isText, kindOf } from "@/lib/media";
import { officeFormat } from "@/lib/office";
import { useTitle } from "@/lib/title";
import { ErrorBoundary } from "@/ui/boundary";
import { FileIcon } from "@/ui/icon";
import { previewUrl, sharpUrl } from "@/ui/preview";
import { part } from "@/ui/part";
import { Empty, Failed, Spinner } from "@/ui/states";
import ColdStorage from "@/viewer/ColdStorage";
import { CONVERTED_AGAIN_MS, convertedVideo } from "@/viewer/converted";
import { Pages } from "@/viewer/Pages";
import { Text } from "@/viewer/Text";
import { Watermarked } from "@/viewer/Watermarked";
import { closeViewer, useNeighbours, viewNext, type Viewed } from "@/viewer/viewer-address";

const Editor = part(() => import("@/editor/Editor"));
const Office = part(() => import("@/viewer/Office"));
const Pdf = part(() => import("@/viewer/Pdf"));

export default function Viewer({ fileId, version }: Viewed) {
  const found = useFile(fileId);
  const file = found.data;
  const among = useNeighbours();
  const at = among.findIndex((other) => other.id === fileId);
  const previous = at > 0 ? among[at - 1] : undefined;
  const next = at >= 0 ? among[at + 1] : undefined;
  useTitle(file?.name ?? i18n.t("File"), 1);
  useEffect(() => {
    function onKey(event: KeyboardEvent): void {
      const target = event.target as HTMLElement;
      if (/^(VIDEO|AUDIO|INPUT|TEXTAREA)$/.test(target.tagName) || target.shadowRoot) return;
      if (event.key === "ArrowRight" && next) viewNext(next);
      if (event.key === "ArrowLeft" && previous) viewNext(previous);
    }
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [next, previous]);
  const shown = version ?? file?.version;
  const [editing, setEditing] = useState(() => (beginsEditing(fileId) ? fileId : ""));
  useEffect(() => openEditing(undefined), []);
  const isEditing = editing === fileId && version === undefined;
  return (
    <ModalOverlay className="overlay viewer-overlay" isOpen onOpenChange={(open) => !open && closeViewer()}>
      <Modal className="viewer-modal">
        <Dialog className="viewer" aria-label={file?.name ?? i18n.t("File")}>
          <header>
            {file && <FileIcon file={file} />}
            <Heading slot="title" className="name" dir="auto" title={file?.name}>
              {file?.name ?? "…"}
            </Heading>
            {version !== undefined && <span className="tag">{i18n.t("Version {version}", { version })}</span>}
            {file && version === undefined && <span className="muted viewer-size">{size(file.size)}</span>}
            <span className="spacer" />
            {file && version === undefined && canEdit(file) && !isEditing && (
              <button className="icon-button" aria-label={i18n.t("Edit")} onClick={() => setEditing(fileId)}>
                <Pencil size={18} />
              </button>
            )}
            {file?.watermark && <span className="muted">{i18n.t("Shared with a watermark: no download")}</span>}
            {file && !file.watermark && (
              <button className="icon-button" aria-label={i18n.t("Download")} onClick={() => void download([file], version)}>
                <Download size={20} />
              </button>
            )}
            <button className="icon-button" aria-label={i18n.t("Close")} onClick={closeViewer}>
              <X size={20} />
            </button>
          </header>
          <div className="viewer-stage">
            {file && isEditing ? (
              <ErrorBoundary key={file.id}>
                <Suspense fallback={<Spinner />}>
                  <Editor file={file} onDone={() => setEditing("")} />
                </Suspense>
              </ErrorBoundary>
            ) : file && shown !== undefined ? (
              <ErrorBoundary key={`${file.id}.${shown}`}>
                <Content file={file} version={shown} />
              </ErrorBoundary>
            ) : hasCode(found.error, "not_found") ? (
              <Empty icon={<FileQuestion size={40} />} title={i18n.t("File not found")}>
                <p>{i18n.t("It was deleted, or is no longer shared with you.")}</p>
              </Empty>
            ) : found.error ? (
              <Failed error={found.error} onRetry={() => void found.refetch()} />
            ) : (
              <Spinner />
            )}
            {previous && !isEditing && (
              <button className="viewer-step previous" aria-label={i18n.t("Previous file")} onClick={() => viewNext(previous)}>
                <ChevronLeft size={24} />
              </button>
            )}
            {next && !isEditing && (
              <button className="viewer-step next" aria-label={i18n.t("Next file")} onClick={() => viewNext(next)}>
                <ChevronRight size={24} />
              </button>
            )}
          </div>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}

interface ContentProps {
  file: FileItem;
  /** Always named: by an address without it browsers show again what they had, and what is kept may be of another one. */
  version: number;
}

function Content({ file, version }: ContentProps) {
  const kind = kindOf(file);
  const cold = useQuery({
    queryKey: retrievalKey(file.id, version),
    queryFn: () => getRetrieval(file.id, version),
    enabled: !file.watermark,
  });
  if (file.watermark) return <Watermarked file={file} />;
  if (cold.data && cold.data.state !== "available") return <ColdStorage file={file} version={version} found={cold.data} />;
  if (kind === "image") return <Picture file={file} version={version} />;
  if (kind === "video" || kind === "audio") return <Media file={file} version={version} kind={kind} />;
  if (kind === "pdf") {
    return (
      <Suspense fallback={<Spinner />}>
        <Pdf fileId={file.id} version={version} name={file.name} />
      </Suspense>
    );
  }
  if (isOffice(file) && file.preview && version === file.version) return <Pages file={file} />;
  const format = officeFormat(file.name);
  if (format) {
    return (
      <Suspense fallback={<Spinner />}>
        <Office file={file} version={version} format={format} instead={(why) => <NoPreview file={file} version={version} why={why} />} />
      </Suspense>
    );
  }
  if (isText(file)) return <Text file={file} version={version} />;
  return <NoPreview file={file} version={version} />;
}

function NoPreview({ file, version, why }: ContentProps & { why?: string }) {
  return (
    <div className="no-preview">
      <FileIcon file={file} size={64} />
      <p>{why ?? i18n.t("No preview for this type of file.")}</p>
      <button className="button primary" onClick={() => void download([file], version)}>
        <Download size={18} aria-hidden="true" /> {i18n.t("Download")}
      </button>
    </div>
  );
}

/** The address of the bytes, fetched again once where the session has run out meanwhile. */
function useSource(file: FileItem, version: number) {
  const [failures, setFailures] = useState(0);
  const retried = useRef(false);
  const base = contentUrl(file.id, version);
  return {
    source: failures === 1 ? `${base}#again` : base,
    failed: failures > 1,
    onError: () => {
      if (retried.current) return setFailures(2);
      retried.current = true;
      void refresh().then(() => setFailures((before) => Math.max(before, 1)), () => setFailures(2));
    },
  };
}

function Picture({ file, version }: ContentProps) {
  const { source, failed, onError } = useSource(file, version);
  const [sharp, setSharp] = useState(true);
  // A kind that this browser does not know, HEIC or TIFF mostly, has a picture of ours that it does.
  if (failed && file.preview && version === file.version) {
    const picture = sharp ? sharpUrl(file) : previewUrl(file, "large");
    return <img className="viewer-picture" src={picture} alt={file.name} onError={() => setSharp(false)} />;
  }
  if (failed) return <NoPreview file={file} version={version} why={i18n.t("This image can’t be displayed.")} />;
  return <img className="viewer-picture" src={source} alt={file.name} onError={onError} />;
}

function Media({ file, version, kind }: ContentProps & { kind: "video" | "audio" }) {
  const { source, failed, onError } = useSource(file, version);
  const isConverted = kind === "video" && file.preview && version === file.version;
  if (isConverted && (failed || isNeverPlayed(file))) return <ConvertedVideo file={file} version={version} />;
  if (failed) return <NoPreview file={file} version={version} why={i18n.t("Your browser can’t play this file.")} />;
  const shared = { src: source, controls: true, onError, preload: "metadata", "aria-label": file.name };
  return kind === "video" ? <video className="viewer-picture" poster={posterOf(file, version)} {...shared} /> : <audio {...shared} />;
}

const posterOf = (file: FileItem, version: number): string | undefined =>
  file.preview && version === file.version ? previewUrl(file, "large") : undefined;

/** A video that this browser does not know, as the server converts it. */
function ConvertedVideo({ file, version }: ContentProps) {
  const { data, error } = useQuery({
    queryKey: ["converted", file.id, version],
    queryFn: ({ signal }) => convertedVideo(file, signal),
    refetchInterval: ({ state }) => (state.data?.state === "pending" ? CONVERTED_AGAIN_MS : false),
  });
  if (data?.state === "failed" || error) {
    const why =
      data?.reason === "too_large"
        ? i18n.t("This video can’t be played here: it is too long or too large.")
        : i18n.t("This video can’t be played here.");
    return <NoPreview file={file} version={version} why={why} />;
  }
  if (data?.state === "ready") {
    return <video className="viewer-picture" src={data.url} controls poster={posterOf(file, version)} aria-label={file.name} />;
  }
  return (
    <div className="no-preview" role="status">
      <Spinner />
      <p>{i18n.t("Converting the video for your browser… {percent}%", { percent: Math.round((data?.progress ?? 0) * 100) })}</p>
    </div>
  );
}
