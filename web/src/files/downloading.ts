/** Downloads by the browser's own download manager: one file as it is, several or a folder as a ZIP. */
import { i18n } from "@lingui/core";
import { checkZip, contentUrl, zipUrl } from "@/api/client";
import { Problem, reason } from "@/api/problem";
import type { FileItem } from "@/api/types";
import { things } from "@/files/operations";
import { isReadable, retrieveAll } from "@/files/retrieval";
import { toast } from "@/ui/toasts";

/** The server refuses more in one URL. */
const MOST_AT_ONCE = 200;

export async function download(files: FileItem[], version?: number): Promise<void> {
  const [first] = files;
  if (!first) return;
  if (files.length > MOST_AT_ONCE) {
    return toast(
      i18n.t("Select at most {most} files and folders, or download the folder they are in.", { most: MOST_AT_ONCE }),
      { tone: "error" },
    );
  }
  const isOne = files.length === 1 && first.kind === "file";
  try {
    // Asked for first, so that a session that has run out is renewed and a refusal is shown here.
    if (isOne) {
      if (await isReadable(first, version)) save(contentUrl(first.id, version), first.name);
      return;
    }
    const url = zipUrl(files.map((file) => file.id));
    await checkZip(url);
    save(url);
  } catch (error) {
    if (error instanceof Problem && error.code === "archived") return offerRetrieval(error);
    toast(i18n.t("Could not download {files}: {error}", { files: things(files), error: reason(error) }), { tone: "error" });
  }
}

function save(url: string, name = ""): void {
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = name;
  anchor.click();
}

function offerRetrieval(problem: Problem): void {
  const ids = (problem.extra.file_ids ?? []) as string[];
  toast(
    i18n.t(
      "{count, plural, one {# file is} other {# files are}} in cold storage and must be retrieved before a ZIP can be made.",
      { count: ids.length },
    ),
    {
      action: { label: i18n.t("Retrieve"), run: () => void retrieveAll(ids) },
    },
  );
}
