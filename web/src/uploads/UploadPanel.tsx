/** Upload panel: progress, pause, retry, and questions. */
import { i18n } from "@lingui/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { CheckCircle2, ChevronDown, ChevronUp, CircleAlert, FileUp, Pause, Play, RotateCcw, X } from "lucide-react";
import { useRef, useState } from "react";
import { count,  duration, size } from "@/lib/format";
import { useOnline } from "@/lib/online";
import { FileIcon } from "@/ui/icon";
import { Confirm } from "@/ui/dialog";
import { toast } from "@/ui/toasts";
import type { Job } from "@/uploads/jobs";
import { chosen } from "@/uploads/dropped";
import { ConflictDialog, QuotaDialog } from "@/uploads/questions";
import { uploads, useUploads } from "@/uploads/queue";
import type { UploadsView } from "@/uploads/view";

const ROW_PX = 60;

export default function UploadPanel() {
  const view = useUploads();
  const online = useOnline();
  const [small, setSmall] = useState(false);
  const [cancelling, setCancelling] = useState(false);
  const idle = view.open === 0;
  const unfinished = view.open + view.paused + view.failed + view.asking;
  return (
    <section className="uploads" aria-label={i18n.t("Uploads")}>
      <header>
        <div className="uploads-title">
          <h2 role="status">{titleOf(view, online)}</h2>
          {!idle && <p>{progressOf(view, online)}</p>}
        </div>
        {!idle && (
          <button className="icon-button" aria-label={i18n.t("Pause all")} onClick={uploads.pauseAll}>
            <Pause size={18} />
          </button>
        )}
        {idle && view.paused - view.needFiles + view.failed > 0 && (
          <button className="icon-button" aria-label={i18n.t("Continue all")} onClick={uploads.resumeAll}>
            <Play size={18} />
          </button>
        )}
        <button
          className="icon-button"
          aria-label={small ? i18n.t("Show uploads") : i18n.t("Hide uploads")}
          aria-expanded={!small}
          onClick={() => setSmall(!small)}
        >
          {small ? <ChevronUp size={18} /> : <ChevronDown size={18} />}
        </button>
        {unfinished > 0 ? (
          <button className="icon-button" aria-label={i18n.t("Cancel all uploads")} onClick={() => setCancelling(true)}>
            <X size={18} />
          </button>
        ) : (
          <button className="icon-button" aria-label={i18n.t("Clear finished uploads")} onClick={() => uploads.clear()}>
            <X size={18} />
          </button>
        )}
      </header>
      {!idle && <progress max={view.total || 1} value={view.sent} aria-label={i18n.t("All uploads")} />}
      {view.needFiles > 0 && <ChooseAllAgain many={view.needFiles} folder={view.needFolder} />}
      {!small && <JobList jobs={view.jobs} />}
      {view.asks && <ConflictDialog key={view.asks.id} job={view.asks} many={view.asking} />}
      {view.full && <QuotaDialog usage={view.full.usage} onClose={() => uploads.quotaSeen()} />}
      {cancelling && (
        <Confirm
          title={i18n.t("Cancel {count, plural, one {# upload} other {# uploads}}?", { count: unfinished })}
          text={i18n.t("Files that have already been uploaded stay. The others are not uploaded.")}
          action={i18n.t("Cancel uploads")}
          danger
          onConfirm={uploads.cancelAll}
          onClose={() => setCancelling(false)}
        />
      )}
    </section>
  );
}

function titleOf(view: UploadsView, online: boolean): string {
  if (view.open > 0 && !online) return i18n.t("Waiting for connection");
  if (view.open > 0) return i18n.t("Uploading {count, plural, one {# file} other {# files}}", { count: view.open });
  if (view.asks) return i18n.t("Action needed");
  if (view.failed > 0) return i18n.t("{count, plural, one {# upload} other {# uploads}} failed", { count: view.failed });
  if (view.needFiles > 0)
    return i18n.t("{count, plural, one {# upload was} other {# uploads were}} interrupted", { count: view.needFiles });
  if (view.paused > 0) return i18n.t("{count, plural, one {# upload} other {# uploads}} paused", { count: view.paused });
  return i18n.t("{count, plural, one {# upload} other {# uploads}} complete", { count: view.done });
}

const LONGEST_LEFT_SECONDS = 24 * 3600;

function progressOf({ sent, total, rate, done, jobs }: UploadsView, online: boolean): string {
  // All may have left this device and not have arrived: only what is done is done.
  const part = total > 0 ? Math.min(99, Math.floor((sent / total) * 100)) : 0;
  const known = i18n.t("{done} of {all} · {part}%", { done: count(done), all: count(jobs.length), part });
  if (!online || rate <= 0) return known;
  const seconds = (total - sent) / rate;
  const left =
    seconds < LONGEST_LEFT_SECONDS
      ? i18n.t("{time} left", { time: duration(seconds) })
      : i18n.t("more than a day left");
  return `${known} · ${size(rate)}/s · ${left}`;
}

/** After a reload: what was cut off goes on once the browser is given the files again, all of them at once. */
function ChooseAllAgain({ many, folder }: { many: number; folder: boolean }) {
  const input = useRef<HTMLInputElement>(null);
  const what = folder ? "folder" : many === 1 ? "file" : "files";
  return (
    <div className="uploads-again">
      <input
        ref={(element) => {
          input.current = element;
          element?.toggleAttribute("webkitdirectory", folder);
        }}
        type="file"
        multiple
        hidden
        aria-label={i18n.t(
          "Choose the {what, select, folder {folder} file {file} other {files}} of interrupted uploads",
          { what },
        )}
        onChange={(event) => {
          const found = chosen(event.currentTarget.files ?? []);
          const going = uploads.giveAll(found);
          if (going === 0)
            toast(i18n.t("None of these files belong to an interrupted upload, or they have changed."), {
              tone: "error",
            });
          event.currentTarget.value = "";
        }}
      />
      <span>
        {i18n.t(
          "The page was closed or reloaded. Choose the {what, select, folder {folder} file {file} other {files}} again to continue.",
          { what },
        )}
      </span>
      <button className="button" onClick={() => input.current?.click()}>
        {i18n.t("Choose {what, select, folder {folder} file {file} other {files}}", { what })}
      </button>
    </div>
  );
}

function JobList({ jobs }: { jobs: readonly Job[] }) {
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: jobs.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 4,
  });
  return (
    <div
      ref={scroller}
      className="uploads-list"
      tabIndex={0}
      role="group"
      aria-label={i18n.t("{count, plural, one {# upload} other {# uploads}}", { count: jobs.length })}
    >
      <ul style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map((row) => {
          const job = jobs[row.index];
          return (
            job && (
              <li key={job.id} style={{ transform: `translateY(${row.start}px)` }}>
                <JobRow job={job} />
              </li>
            )
          );
        })}
      </ul>
    </div>
  );
}

function JobRow({ job }: { job: Job }) {
  const file = { kind: "file" as const, name: job.name, content_type: job.file?.type ?? null };
  const moving = job.state === "sending" || job.state === "finishing";
  return (
    <>
      <FileIcon file={file} />
      <div className="job">
        <span className="name" dir="auto" title={job.path}>
          {job.name}
        </span>
        <span className={job.state === "failed" ? "job-state failed" : "job-state"}>{stateOf(job)}</span>
        {(moving || job.state === "paused" || job.state === "needs-file") && (
          <progress max={job.size || 1} value={job.sent} aria-label={i18n.t("{name}: sent", { name: job.name })} />
        )}
      </div>
      {job.state === "done" && <CheckCircle2 size={18} className="good" aria-label={i18n.t("Done")} />}
      {job.state === "taken" && <CircleAlert size={18} className="warn" aria-label={i18n.t("Action needed")} />}
      {(job.state === "sending" || job.state === "waiting") && (
        <button
          className="icon-button small"
          aria-label={i18n.t("Pause {name}", { name: job.name })}
          onClick={() => uploads.pause(job)}
        >
          <Pause size={16} />
        </button>
      )}
      {job.state === "paused" && (
        <button
          className="icon-button small"
          aria-label={i18n.t("Continue {name}", { name: job.name })}
          onClick={() => uploads.resume(job)}
        >
          <Play size={16} />
        </button>
      )}
      {job.state === "failed" && (
        <button
          className="icon-button small"
          aria-label={i18n.t("Try {name} again", { name: job.name })}
          onClick={() => uploads.resume(job)}
        >
          <RotateCcw size={16} />
        </button>
      )}
      {job.state === "needs-file" && <ChooseAgain job={job} />}
      {job.state !== "done" && job.state !== "skipped" && (
        <button
          className="icon-button small"
          aria-label={i18n.t("Cancel {name}", { name: job.name })}
          onClick={() => uploads.cancel(job)}
        >
          <X size={16} />
        </button>
      )}
    </>
  );
}

function stateOf(job: Job): string {
  switch (job.state) {
    case "waiting":
      return i18n.t("Waiting · {size}", { size: size(job.size) });
    case "sending":
      return job.sent < job.size
        ? i18n.t("{sent} of {size}", { sent: size(job.sent), size: size(job.size) })
        : i18n.t("Finishing…");
    case "finishing":
      return i18n.t("Finishing…");
    case "paused":
      return i18n.t("Paused at {sent} of {size}", { sent: size(job.sent), size: size(job.size) });
    case "taken":
      return job.takenByFolder ? i18n.t("A folder with this name exists") : i18n.t("A file with this name exists");
    case "needs-file":
      return i18n.t("Interrupted");
    case "failed":
      return job.error ?? i18n.t("Failed");
    case "skipped":
      return i18n.t("Skipped");
    case "done":
      return size(job.size);
  }
}

function ChooseAgain({ job }: { job: Job }) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        hidden
        aria-label={i18n.t("File for {name}", { name: job.name })}
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          if (file && !uploads.give(job, file))
            toast(i18n.t("This is a different “{name}”.", { name: job.name }), { tone: "error" });
          event.currentTarget.value = "";
        }}
      />
      <button
        className="icon-button small"
        aria-label={i18n.t("Choose {name} again", { name: job.name })}
        onClick={() => input.current?.click()}
      >
        <FileUp size={16} />
      </button>
    </>
  );
}
