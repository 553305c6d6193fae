/** Editor of a text or Markdown file. */
import { i18n } from "@lingui/core";
import { useQuery } from "@tanstack/react-query";
import { Suspense, useEffect, useRef, useState } from "react";
import { call, fetchContent } from "@/api/client";
import { keys, queryClient } from "@/api/queries";
import type { FileItem } from "@/api/types";
import { Draft, type DraftState, leftBehind } from "@/editor/draft";
import { type EditedText, textOf } from "@/editor/saving";
import { kindOf } from "@/lib/media";
import { Dialog } from "@/ui/dialog";
import { part } from "@/ui/part";
import { Failed, Spinner } from "@/ui/states";
import { toast } from "@/ui/toasts";

const Markdown = part(() => import("@/viewer/Markdown"));

const SAID: Record<DraftState, string> = {
  saved: /*i18n*/ "Saved",
  unsaved: /*i18n*/ "Not saved yet",
  saving: /*i18n*/ "Saving…",
  conflict: /*i18n*/ "Changed by someone else",
  failed: /*i18n*/ "Couldn’t be saved",
};

interface EditorProps {
  file: FileItem;
  /** Back to the file as it is read. */
  onDone: () => void;
}

export default function Editor({ file, onDone }: EditorProps) {
  const [begin] = useState(file);
  const loaded = useQuery({
    queryKey: ["edited", begin.id, begin.version],
    queryFn: async ({ signal }) => {
      const text = textOf(await (await fetchContent(begin.id, begin.version, signal)).arrayBuffer());
      return text ?? null;
    },
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0,
  });
  if (loaded.error) return <Failed error={loaded.error} onRetry={() => void loaded.refetch()} />;
  if (loaded.data === undefined) return <Spinner />;
  if (loaded.data === null) {
    return (
      <div className="no-preview">
        <p>{i18n.t("Only texts in UTF-8 can be edited here. Download this one to edit it.")}</p>
        <button className="button" onClick={onDone}>
          {i18n.t("Back")}
        </button>
      </div>
    );
  }
  return <Editing file={begin} loaded={loaded.data} onDone={onDone} />;
}

function Editing({ file, loaded, onDone }: EditorProps & { loaded: EditedText }) {
  const [state, setState] = useState<DraftState>("saved");
  const [later, setLater] = useState(false);
  const [preview, setPreview] = useState(false);
  const [text, setText] = useState(loaded.text);
  const draft = useRef<Draft>(null);
  useEffect(() => {
    const kept = leftBehind(file);
    const mine = new Draft(file, loaded, kept?.base ?? file.version, setState, show);
    draft.current = mine;
    if (kept && kept.text !== loaded.text) {
      mine.edit(kept.text);
      setText(kept.text);
      toast(i18n.t("Unsaved changes of yours are back."));
    }
    const warn = (event: BeforeUnloadEvent) => mine.state !== "saved" && event.preventDefault();
    const again = () => void mine.save();
    addEventListener("beforeunload", warn);
    addEventListener("online", again);
    return () => {
      removeEventListener("beforeunload", warn);
      removeEventListener("online", again);
      void mine.save();
    };
  }, [file, loaded]);

  const isMarkdown = kindOf(file) === "markdown";
  return (
    <div className="editor">
      <div className="editor-bar" role="toolbar" aria-label={i18n.t("Text editor")}>
        <span className="muted" role="status">
          {i18n.t(SAID[state])}
          {state === "failed" && `: ${draft.current?.why ?? ""}`}
        </span>
        <span className="spacer" />
        {state === "conflict" && later && (
          <button className="button" onClick={() => setLater(false)}>
            {i18n.t("Decide…")}
          </button>
        )}
        {state === "failed" && (
          <button className="button" onClick={() => void draft.current?.save()}>
            {i18n.t("Try again")}
          </button>
        )}
        {isMarkdown && (
          <button className="button" aria-pressed={preview} onClick={() => setPreview(!preview)}>
            {i18n.t("Preview")}
          </button>
        )}
        <button className="button primary" onClick={() => void draft.current?.save().then(() => draft.current?.state === "saved" && onDone())}>
          {i18n.t("Done")}
        </button>
      </div>
      {preview ? (
        <article className="viewer-text" tabIndex={0} aria-label={file.name}>
          <Suspense fallback={<Spinner />}>
            <Markdown text={text} />
          </Suspense>
        </article>
      ) : (
        <textarea
          className="editor-text"
          aria-label={file.name}
          spellCheck={false}
          autoFocus
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            draft.current?.edit(event.target.value);
          }}
          onKeyDown={(event) => {
            if (event.key.toLowerCase() !== "s" || !(event.ctrlKey || event.metaKey)) return;
            event.preventDefault();
            void draft.current?.save();
          }}
        />
      )}
      {state === "conflict" && !later && draft.current && (
        <Conflict file={file} draft={draft.current} onDone={onDone} onLater={() => setLater(true)} />
      )}
    </div>
  );
}

/** Two versions were made at once: nothing is lost unless the user chooses so. */
function Conflict({ file, draft, onDone, onLater }: EditorProps & { draft: Draft; onLater: () => void }) {
  async function overwrite(): Promise<void> {
    const { version } = await call("get /v1/files/{file_id}", { path: { file_id: file.id } });
    await draft.resolve("overwrite", version);
  }
  async function copy(): Promise<void> {
    await draft.resolve("copy", 0);
    if (draft.state === "saved") onDone();
  }
  function discard(): void {
    draft.discard();
    onDone();
  }
  return (
    <Dialog
      title={i18n.t("“{name}” was changed by someone else", { name: file.name })}
      role="alertdialog"
      onClose={onLater}
      footer={
        <>
          <button className="button danger" onClick={discard}>
            {i18n.t("Discard my changes")}
          </button>
          <button
            className="button"
            onClick={() => void overwrite().catch(() => toast(i18n.t("It couldn’t be saved."), { tone: "error" }))}
          >
            {i18n.t("Save as the next version")}
          </button>
          <button className="button primary" autoFocus onClick={() => void copy()}>
            {i18n.t("Keep both")}
          </button>
        </>
      }
    >
      <p>
        {i18n.t(
          "There is a new version since you began. Keep both saves yours as a conflicted copy beside it. As the next version, yours replaces it; the other stays in the history.",
        )}
      </p>
    </Dialog>
  );
}

function show(file: FileItem): void {
  queryClient.setQueryData(keys.file(file.id), (before: FileItem | undefined) => (before && before.version > file.version ? before : file));
  void queryClient.invalidateQueries({ queryKey: keys.lists(file.parent_id ?? undefined) });
}
