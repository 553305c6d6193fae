/** Access of a file or folder, and the queries to reload after a change. */
import { useQuery } from "@tanstack/react-query";
import { call } from "@/api/client";
import { queryClient } from "@/api/queries";
import type { FileItem } from "@/api/types";

export const useAccess = (file: FileItem) =>
  useQuery({
    queryKey: ["about", file.id, "access"],
    queryFn: () => call("get /v1/files/{file_id}/access", { path: { file_id: file.id } }),
  });

/** A folder's contents inherit its access: reload everything. */
export const accessChanged = () => queryClient.invalidateQueries({ queryKey: ["about"] });

export const ROLE_NAMES = { owner: "Owner", editor: "Editor", viewer: "Viewer" } as const;
export const SHARE_NAMES = { editor: "Can edit", viewer: "Can view" } as const;
