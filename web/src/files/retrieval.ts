/** Contents in cold storage: they are requested, and a notification follows when they can be read. */
import { i18n } from "@lingui/core";
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
  const minutes = Math.max(Math.round(seconds / 60), 1);
  if (seconds < 3600) return i18n.t("{minutes, plural, one {# minute} other {# minutes}}", { minutes });
  return i18n.t("{hours, plural, one {# hour} other {# hours}}", { hours: Math.round(seconds / 3600) });
}

export async function retrieve(file: FileItem, version?: number): Promise<void> {
  try {
    const found = await call("post /v1/files/{file_id}/retrieval", { path: { file_id: file.id }, query: { version } });
    await queryClient.invalidateQueries({ queryKey: ["retrieval", file.id] });
    if (found.state === "available") return toast(i18n.t("“{name}” can be read.", { name: file.name }));
    toast(i18n.t("“{name}” was requested. You will be notified when it can be read.", { name: file.name }));
  } catch (error) {
    toast(i18n.t("Could not request “{name}”: {error}", { name: file.name, error: reason(error) }), { tone: "error" });
  }
}

/** Request several at once, as for a ZIP. */
export async function retrieveAll(fileIds: string[]): Promise<void> {
  try {
    for (const id of fileIds) await call("post /v1/files/{file_id}/retrieval", { path: { file_id: id } });
    toast(
      i18n.t(
        "{count, plural, one {# file was} other {# files were}} requested. You will be notified when they can be read.",
        { count: fileIds.length },
      ),
    );
  } catch (error) {
    toast(i18n.t("Could not request the files: {error}", { error: reason(error) }), { tone: "error" });
  }
}

/** Show that a file can't be downloaded yet, and offer to request it. Returns whether it can be downloaded. */
export async function isReadable(file: FileItem, version?: number): Promise<boolean> {
  const found = await getRetrieval(file.id, version);
  if (found.state === "available") return true;
  if (found.state === "requested") {
    const { name } = file;
    toast(
      found.expected_at
        ? i18n.t(
            "“{name}” is being retrieved from cold storage. You will be notified when it can be read, probably {at}.",
            { name, at: when(found.expected_at) },
          )
        : i18n.t("“{name}” is being retrieved from cold storage. You will be notified when it can be read.", { name }),
    );
  } else {
    toast(
      i18n.t("“{name}” is in cold storage. Retrieving it takes about {duration}.", {
        name: file.name,
        duration: duration(found.estimate_seconds ?? 0),
      }),
      {
        action: { label: i18n.t("Retrieve"), run: () => void retrieve(file, version) },
      },
    );
  }
  return false;
}
