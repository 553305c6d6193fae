/** What an upload may have to ask: the name is taken, the storage is full. */
import { useState } from "react";
import { useAccount } from "@/api/queries";
import type { Usage } from "@/api/types";
import { size } from "@/lib/format";
import { navigate } from "@/lib/router";
import { Dialog } from "@/ui/dialog";
import { Switch } from "@/ui/field";
import type { Job } from "@/uploads/jobs";
import { uploads } from "@/uploads/queue";

export function ConflictDialog({ job, many }: { job: Job; many: boolean }) {
  const [all, setAll] = useState(false);
  const place = job.folder.name || "My files";
  const answer = (how: "replace" | "keep" | "skip") => uploads.answer(job, how, all);
  return (
    <Dialog
      title={`“${job.name}” is there already`}
      role="alertdialog"
      onClose={() => answer("skip")}
      footer={
        <>
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
        <p>There is a folder of this name in “{place}”, which a file cannot replace.</p>
      ) : (
        <p>
          There is a file of this name in “{place}”. Replacing it makes a new version; the one that is there stays in its
          history.
        </p>
      )}
      {many && <Switch label="Do this for all" checked={all} onChange={(event) => setAll(event.target.checked)} />}
    </Dialog>
  );
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
          This does not fit: {size(own.used)} of {size(own.limit)} are used. What is in the trash counts, and so do older
          versions.
        </p>
      ) : (
        <p>This does not fit into what is left of the folder owner’s storage.</p>
      )}
    </Dialog>
  );
}
