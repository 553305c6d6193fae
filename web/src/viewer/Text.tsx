/** Texts: Markdown formatted or as its source, all others as source. Of large ones the beginning. */
import { i18n } from "@lingui/core";
import { useQuery } from "@tanstack/react-query";
import { Download } from "lucide-react";
import { Suspense, useState } from "react";
import type { FileItem } from "@/api/types";
import { download } from "@/files/downloading";
import { size } from "@/lib/format";
import { kindOf } from "@/lib/media";
import { useWhere } from "@/lib/router";
import { part } from "@/ui/part";
import { Failed, Spinner } from "@/ui/states";
import { fetchText, MOST_BYTES } from "@/viewer/text";
import { viewedIn } from "@/viewer/viewer-address";

const Code = part(() => import("@/viewer/Code"));
const Markdown = part(() => import("@/viewer/Markdown"));

export function Text({ file, version }: { file: FileItem; version: number }) {
  const hasLines = Boolean(viewedIn(useWhere().query)?.lines);
  const [source, setSource] = useState(hasLines);
  const text = useQuery({
    queryKey: ["text", file.id, version],
    queryFn: ({ signal }) => fetchText(file.id, version, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (text.error) return <Failed error={text.error} onRetry={() => void text.refetch()} />;
  if (!text.data) return <Spinner />;
  const isMarkdown = kindOf(file) === "markdown";
  const toggle = isMarkdown && (
    <button className="button viewer-source" aria-pressed={source} onClick={() => setSource(!source)}>
      {source ? i18n.t("Show formatted") : i18n.t("Show source")}
    </button>
  );
  return (
    <div className="viewer-document">
      {text.data.truncated && (
        <div className="viewer-part" role="status">
          <span>{i18n.t("Only the first {size} are shown.", { size: size(MOST_BYTES) })}</span>
          <button className="button" onClick={() => void download([file], version)}>
            <Download size={16} aria-hidden="true" /> {i18n.t("Download")}
          </button>
        </div>
      )}
      <Suspense fallback={<Spinner />}>
        {isMarkdown && !source ? (
          <article className="viewer-text" tabIndex={0} aria-label={file.name}>
            {toggle}
            <Markdown text={text.data.text} />
          </article>
        ) : (
          <Code file={file} text={text.data.text}>
            {toggle}
          </Code>
        )}
      </Suspense>
    </div>
  );
}
