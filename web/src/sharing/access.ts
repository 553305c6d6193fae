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

export const ROLE_NAMES = { owner: /*i18n*/ "Owner", editor: /*i18n*/ "Editor", viewer: /*i18n*/ "Viewer" } as const;
export const SHARE_NAMES = {
  editor: /*i18n*/ "Can edit",
  viewer: /*i18n*/ "Can view",
  watermark: /*i18n*/ "Can view with watermark",
} as const;
export type Right = keyof typeof SHARE_NAMES;

/** What a share allows. */
export const rightOf = (share: Pick<Share, "role" | "watermark">): Right =>
  share.watermark === null ? share.role : "watermark";

/** The recipient's name and address, in the text of a watermark. */
export const READER = "{reader}";
