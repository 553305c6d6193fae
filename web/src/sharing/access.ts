/** Who can open a file or folder, as the server knows it; and what is read anew once that is changed. */
import { useQuery } from "@tanstack/react-query";
import { call } from "@/api/client";
import { queryClient } from "@/api/queries";
import type { FileItem } from "@/api/types";

export const useAccess = (file: FileItem) =>
  useQuery({
    queryKey: ["about", file.id, "access"],
    queryFn: () => call("get /v1/files/{file_id}/access", { path: { file_id: file.id } }),
  });

/** What is in a folder inherits from it: all that is shown is read anew. */
export const accessChanged = () => queryClient.invalidateQueries({ queryKey: ["about"] });

export const ROLE_NAMES = { owner: "Owner", editor: "Editor", viewer: "Viewer" } as const;
export const SHARE_NAMES = { editor: "Can edit", viewer: "Can view" } as const;
