/** Redirects of file addresses, and of earlier versions' addresses by path. */
import { i18n } from "@lingui/core";
import { useQuery } from "@tanstack/react-query";
import { FileQuestion } from "lucide-react";
import { useEffect } from "react";
import { call } from "@/api/client";
import { hasCode } from "@/api/problem";
import { useAccount, useFile } from "@/api/queries";
import type { FileItem } from "@/api/types";
import { FolderGone } from "@/files/FilesPage";
import { containingHref, fileIdOf, folderHref, type PathAddress, pathAddressOf } from "@/lib/places";
import { navigate, useWhere } from "@/lib/router";
import { Empty, Failed, Spinner } from "@/ui/states";
import { viewedPart, withViewed } from "@/viewer/viewer-address";

export default function Redirect({ path }: { path: string }) {
  const fileId = fileIdOf(path);
  const address = pathAddressOf(path);
  if (fileId) return <FileRedirect fileId={fileId} />;
  return address && <PathRedirect address={address} />;
}

function useGo(file: FileItem | undefined): void {
  const account = useAccount();
  const { query } = useWhere();
  useEffect(() => {
    if (!file) return;
    if (file.kind === "folder") navigate(folderHref(file.id, account.id), { replace: true });
    else navigate(withViewed(containingHref(file, account.id), { ...viewedPart(query), fileId: file.id }), { replace: true });
  }, [file, account.id, query]);
}

function FileRedirect({ fileId }: { fileId: string }) {
  const file = useFile(fileId);
  useGo(file.data);
  if (hasCode(file.error, "not_found")) {
    return (
      <Empty icon={<FileQuestion size={40} />} title={i18n.t("File not found")}>
        <p>{i18n.t("It was deleted, or is not shared with you.")}</p>
      </Empty>
    );
  }
  return file.error ? <Failed error={file.error} onRetry={() => void file.refetch()} /> : <Spinner />;
}

function PathRedirect({ address }: { address: PathAddress }) {
  const found = useQuery({
    queryKey: ["path", address.base, address.path],
    queryFn: () =>
      call("get /v1/files/by-path", { query: { path: address.path, parent_id: address.base ?? undefined } }),
  });
  useGo(found.data);
  if (hasCode(found.error, "not_found")) return <FolderGone />;
  return found.error ? <Failed error={found.error} onRetry={() => void found.refetch()} /> : <Spinner />;
}
