/** Access of a file or folder, and the queries to reload after a change. */
import { useQuery } from "@tanstack/react-query";
import { call } from "@/api/client";
import { queryClient } from "@/api/queries";
import type { FileItem, Share } from "@/api/types";

export const useAccess = (file: FileItem) =>
  useQuery({
    queryKey: ["about", file.id, "access"],
    queryFn: () => call("get /v1/files/{file_id}/access", { path: { file_id: file.id } }),
  });

/** A folder's contents inherit its access: reload everything. */
export const accessChanged = () => queryClient.invalidateQueries({ queryKey: ["about"] });

export const ROLE_NAMES = { owner: "Owner", editor: "Editor", viewer: "Viewer" } as const;
export const SHARE_NAMES = { editor: "Can edit", viewer: "Can view", watermark: "Can view with watermark" } as const;
export type Right = keyof typeof SHARE_NAMES;

/** What a share allows. */
export const rightOf = (share: Pick<Share, "role" | "watermark">): Right =>
  share.watermark === null ? share.role : "watermark";

/** The recipient's name and address, in the text of a watermark. */
export const READER = "{reader}";
