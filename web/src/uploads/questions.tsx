/** Questions of an upload: the name is taken, the storage is full. */
import { i18n } from "@lingui/core";
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
      title={i18n.t("“{name}” already exists", { name: job.name })}
      role="alertdialog"
      onClose={() => answer("skip")}
      footer={
        <>
          {many > 1 && <span className="muted">{i18n.t("1 of {count}", { count: count(many) })}</span>}
          <span className="spacer" />
          <button className="button" onClick={() => answer("skip")}>
            {i18n.t("Skip")}
          </button>
          <button className={job.takenByFolder ? "button primary" : "button"} onClick={() => answer("keep")}>
            {i18n.t("Keep both")}
          </button>
          {!job.takenByFolder && (
            <button className="button primary" onClick={() => answer("replace")} autoFocus>
              {i18n.t("Replace")}
            </button>
          )}
        </>
      }
    >
      {job.takenByFolder ? (
        <p>{i18n.t("“{place}” has a folder of this name, which a file cannot replace.", { place })}</p>
      ) : (
        <p>{i18n.t("“{place}” has a file of this name. If you replace it, the old one stays in version history.", { place })}</p>
      )}
      {!job.takenByFolder && (
        <dl className="facts">
          <div>
            <dt>{i18n.t("In “{place}”", { place })}</dt>
            <dd>{existing ? `${size(existing.size)} · ${moment(existing.modified_at)}` : "…"}</dd>
          </div>
          <div>
            <dt>{i18n.t("Yours")}</dt>
            <dd>{`${size(job.size)} · ${moment(new Date(job.modified).toISOString())}`}</dd>
          </div>
        </dl>
      )}
      {many > 1 && <Switch label={i18n.t("Apply to all")} checked={all} onChange={(event) => setAll(event.target.checked)} />}
    </Dialog>
  );
}

/** The folder that the file goes into, which may lie below the one that was chosen for the upload. */
export function folderNameOf(job: Pick<Job, "path" | "folder">): string {
  return job.path.split("/").at(-2) ?? (job.folder.name || i18n.t("My files"));
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
      title={i18n.t("Not enough storage")}
      role="alertdialog"
      onClose={onClose}
      footer={
        <>
          <button className="button" onClick={() => go("/trash")}>
            {i18n.t("Open the trash")}
          </button>
          {account.plan === "free" ? (
            <button className="button primary" onClick={() => go("/settings/plan")}>
              {i18n.t("Get more storage")}
            </button>
          ) : (
            <button className="button primary" onClick={onClose}>
              {i18n.t("Close")}
            </button>
          )}
        </>
      }
    >
      {own ? (
        <p>
          {i18n.t("{used} of {limit} used. Files in the trash and older versions count, too.", {
            used: size(own.used),
            limit: size(own.limit),
          })}
        </p>
      ) : (
        <p>{i18n.t("The folder owner doesn’t have enough storage.")}</p>
      )}
    </Dialog>
  );
}
