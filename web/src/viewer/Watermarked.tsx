/** A file that was shared with a watermark: pictures with it, page by page. Nothing else of it can be read. */
import { i18n } from "@lingui/core";
import type { FileItem } from "@/api/types";
import { FileIcon } from "@/ui/icon";
import { Pages } from "@/viewer/Pages";

export function Watermarked({ file }: { file: FileItem }) {
  if (!file.preview) {
    return (
      <div className="no-preview">
        <FileIcon file={file} size={64} />
        <p>
          {i18n.t(
            "This was shared with a watermark, and this file has no preview that could show it. Ask its owner for access.",
          )}
        </p>
      </div>
    );
  }
  return <Pages file={file} />;
}
