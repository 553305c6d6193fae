/** What the queue asks of the server besides sending. */
import { call } from "@/api/client";
import { hasCode } from "@/api/problem";
import { keys, queryClient } from "@/api/queries";
import type { Upload } from "@/api/types";
import type { Job } from "@/uploads/jobs";

const REREAD_MS = 250;

const rereading = new Set<string>();

/** Null if there is no such upload any more. */
export async function lookUp(uploadId: string): Promise<Upload | null> {
  try {
    return await call("get /v1/uploads/{upload_id}", { path: { upload_id: uploadId } });
  } catch (error) {
    if (hasCode(error, "not_found")) return null;
    throw error;
  }
}

/** So that no storage stays reserved for it. Before it has an id there is nothing to drop. */
export function dropUpload({ uploadId }: Job): void {
  if (uploadId) void call("delete /v1/uploads/{upload_id}", { path: { upload_id: uploadId } }).catch(() => undefined);
}

/** Have the folder's list show what has come, not more often than that can be read. */
export function reread(folderId: string): void {
  if (rereading.has(folderId)) return;
  rereading.add(folderId);
  setTimeout(() => {
    rereading.delete(folderId);
    void queryClient.invalidateQueries({ queryKey: keys.lists(folderId) });
    void queryClient.invalidateQueries({ queryKey: keys.me });
  }, REREAD_MS);
}
