/** A document as the pictures that the server makes of its pages. */
import { i18n } from "@lingui/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "@/api/client";
import type { FileItem } from "@/api/types";
import { pageUrl } from "@/ui/preview";

/** A picture is rendered when it is first asked for. */
const AGAIN_MS = 2_000;
const TRIES = 10;

export function Pages({ file }: { file: FileItem }) {
  const media = useQuery({
    queryKey: ["about", file.id, "media", file.version, file.preview],
    queryFn: () => call("get /v1/files/{file_id}/media", { path: { file_id: file.id } }),
  }).data;
  const pages = media?.pages ?? 1;
  if (pages === 1) return <Page className="viewer-picture" src={pageUrl(file, 1)} name={file.name} />;
  return (
    <div className="viewer-pdf" tabIndex={0} role="document" aria-label={file.name}>
      {Array.from({ length: pages }, (_, index) => (
        <figure key={index} className="pdf-page">
          <Page src={pageUrl(file, index + 1)} name={i18n.t("Page {number}", { number: index + 1 })} />
        </figure>
      ))}
    </div>
  );
}

function Page({ src, name, className }: { src: string; name: string; className?: string }) {
  const [tries, setTries] = useState(0);
  if (tries === TRIES) return <p className="muted">{i18n.t("{name} can’t be shown.", { name })}</p>;
  const again = () => setTimeout(() => setTries(tries + 1), AGAIN_MS);
  return <img key={tries} className={className} src={src} alt={name} loading="lazy" onError={again} />;
}
