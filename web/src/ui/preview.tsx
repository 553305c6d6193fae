/** Preview of a file, else its icon. Loaded when it becomes visible. */
import { i18n } from "@lingui/core";
import { useState } from "react";
import type { FileItem } from "@/api/types";
import { FileIcon } from "@/ui/icon";

/** It names the version: browsers show again what a page had by the same address, and do not ask. */
export const previewUrl = (file: FileItem, size: "small" | "large"): string =>
  `/v1/files/${file.id}/preview?size=${size}&v=${file.version}${marked(file)}`;

/** The page of a document, or the whole picture, as large as the viewer shows it. */
export const pageUrl = (file: FileItem, page: number): string =>
  `/v1/files/${file.id}/preview?width=1600&height=2263&page=${page}&v=${file.version}${marked(file)}`;

/** Another address once the watermark is another: the server draws that of the share, whatever is asked for. */
const marked = (file: FileItem): string =>
  file.watermark ? `&watermark=${encodeURIComponent(Array.from(file.watermark).slice(0, 100).join(""))}` : "";

/** Rendered when first asked for, as sharp as screens show it. */
export const sharpUrl = (file: FileItem): string => `/v1/files/${file.id}/preview?width=4096&height=4096&v=${file.version}`;

/** As large as its icon, so that nothing moves when it comes. */
export function Thumbnail({ file, size = 20 }: { file: FileItem; size?: number }) {
  const [failed, setFailed] = useState(0);
  if (!file.preview || failed === file.version) return <FileIcon file={file} size={size} />;
  return (
    <img
      className="thumbnail"
      src={previewUrl(file, "small")}
      width={size}
      height={size}
      alt=""
      loading="lazy"
      decoding="async"
      onError={() => setFailed(file.version)}
    />
  );
}

/** The whole of it, in a box of one height. */
export function LargePreview({ file }: { file: FileItem }) {
  const [failed, setFailed] = useState(0);
  if (!file.preview || failed === file.version) return null;
  return (
    <div className="large-preview">
      <img
        src={previewUrl(file, "large")}
        alt={i18n.t("Preview of {name}", { name: file.name })}
        decoding="async"
        onError={() => setFailed(file.version)}
      />
    </div>
  );
}
