/** Contents in cold storage: they are requested, and a notification tells when they can be read. */
import { call } from "@/api/client";
import { reason } from "@/api/problem";
import { queryClient } from "@/api/queries";
import type { FileItem } from "@/api/types";
import { when } from "@/lib/format";
import { toast } from "@/ui/toasts";

export const retrievalKey = (fileId: string, version?: number) => ["retrieval", fileId, version ?? 0];

export function getRetrieval(fileId: string, version?: number) {
  return call("get /v1/files/{file_id}/retrieval", { path: { file_id: fileId }, query: { version } });
}

/** How long it takes, for people: "5 hours". */
export function duration(seconds: number): string {
  const [number, unit] = seconds < 3600 ? [Math.max(Math.round(seconds / 60), 1), "minute"] : [Math.round(seconds / 3600), "hour"];
  return `${number} ${unit}${number === 1 ? "" : "s"}`;
}

export async function retrieve(file: FileItem, version?: number): Promise<void> {
  try {
    const found = await call("post /v1/files/{file_id}/retrieval", { path: { file_id: file.id }, query: { version } });
    await queryClient.invalidateQueries({ queryKey: ["retrieval", file.id] });
    if (found.state === "available") return toast(`“${file.name}” can be read.`);
    toast(`“${file.name}” was requested. You will be notified when it can be read.`);
  } catch (error) {
    toast(`Could not request “${file.name}”: ${reason(error)}`, { tone: "error" });
  }
}

/** Tell that a file can't be downloaded yet, and offer to request it. Returns whether it can be downloaded. */
export async function isReadable(file: FileItem, version?: number): Promise<boolean> {
  const found = await getRetrieval(file.id, version);
  if (found.state === "available") return true;
  if (found.state === "requested") {
    const expected = found.expected_at ? `, probably ${when(found.expected_at)}` : "";
    toast(`“${file.name}” is being retrieved from cold storage. You will be notified when it can be read${expected}.`);
  } else {
    toast(`“${file.name}” is in cold storage. Retrieving it takes about ${duration(found.estimate_seconds ?? 0)}.`, {
      action: { label: "Retrieve", run: () => void retrieve(file, version) },
    });
  }
  return false;
}
