/** Questions of an upload: the name is taken, the storage is full. */
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "@/api/client";
import { useAccount } from "@/api/queries";
import type { Usage } from "@/api/types";
import { count, moment, size } from "@/lib/format";
import { navigate } from "@/lib/router";
import { Dialog } from "@/ui/dialog";
import { Switch } from "@/ui/field";
import type { Job } from "@/uploads/jobs";
import { uploads } from "@/uploads/queue";

export function ConflictDialog({ job, many }: { job: Job; many: number }) {
  const [all, setAll] = useState(false);
  const place = folderNameOf(job);
  const existing = useQuery({
    queryKey: ["path", job.folder.id, job.path],
    queryFn: () => call("get /v1/files/by-path", { query: { path: `/${job.path}`, parent_id: job.folder.id } }),
    staleTime: 0,
  }).data;
  const answer = (how: "replace" | "keep" | "skip") => uploads.answer(job, how, all);
  return (
    <Dialog
      title={`“${job.name}” already exists`}
      role="alertdialog"
      onClose={() => answer("skip")}
      footer={
        <>
          {many > 1 && <span className="muted">1 of {count(many)}</span>}
          <span className="spacer" />
          <button className="button" onClick={() => answer("skip")}>
            Skip
          </button>
          <button className={job.takenByFolder ? "button primary" : "button"} onClick={() => answer("keep")}>
            Keep both
          </button>
          {!job.takenByFolder && (
            <button className="button primary" onClick={() => answer("replace")} autoFocus>
              Replace
            </button>
          )}
        </>
      }
    >
      {job.takenByFolder ? (
        <p>“{place}” has a folder of this name, which a file cannot replace.</p>
      ) : (
        <p>“{place}” has a file of this name. If you replace it, the old one stays in version history.</p>
      )}
      {!job.takenByFolder && (
        <dl className="facts">
          <div>
            <dt>In “{place}”</dt>
            <dd>{existing ? `${size(existing.size)} · ${moment(existing.modified_at)}` : "…"}</dd>
          </div>
          <div>
            <dt>Yours</dt>
            <dd>{`${size(job.size)} · ${moment(new Date(job.modified).toISOString())}`}</dd>
          </div>
        </dl>
      )}
      {many > 1 && <Switch label="Apply to all" checked={all} onChange={(event) => setAll(event.target.checked)} />}
    </Dialog>
  );
}

/** The folder that the file goes into, which may lie below the one that was chosen for the upload. */
export function folderNameOf(job: Pick<Job, "path" | "folder">): string {
  return job.path.split("/").at(-2) ?? (job.folder.name || "My files");
}

export function QuotaDialog({ usage, onClose }: { usage: Usage | null; onClose: () => void }) {
  const account = useAccount();
  const own = usage ?? null;
  const go = (to: string) => {
    onClose();
    navigate(to);
  };
  return (
    <Dialog
      title="Not enough storage"
      role="alertdialog"
      onClose={onClose}
      footer={
        <>
          <button className="button" onClick={() => go("/trash")}>
            Open the trash
          </button>
          {account.plan === "free" ? (
            <button className="button primary" onClick={() => go("/settings/plan")}>
              Get more storage
            </button>
          ) : (
            <button className="button primary" onClick={onClose}>
              Close
            </button>
          )}
        </>
      }
    >
      {own ? (
        <p>
          {size(own.used)} of {size(own.limit)} used. Files in the trash and older versions count, too.
        </p>
      ) : (
        <p>The folder owner doesn’t have enough storage.</p>
      )}
    </Dialog>
  );
}
