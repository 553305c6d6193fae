/** In-app notifications, newest first. */
import { i18n } from "@lingui/core";
import { CheckCheck, X } from "lucide-react";
import type { RefObject } from "react";
import { Dialog, Popover } from "react-aria-components";
import { call } from "@/api/client";
import { Problem, reason } from "@/api/problem";
import { keys, queryClient, useAccount } from "@/api/queries";
import type { Notice } from "@/api/types";
import { count, when } from "@/lib/format";
import { containingHref, folderHref, SHARED } from "@/lib/places";
import { navigate } from "@/lib/router";
import { useNotices } from "@/notices/unread";
import { attempt } from "@/ui/attempt";
import { Failed, Spinner } from "@/ui/states";
import { toast } from "@/ui/toasts";
import { viewFile } from "@/viewer/viewer-address";

async function markRead(body: { ids: string[] } | { all: true }): Promise<void> {
  await call("post /v1/notifications/read", { body: { all: false, ...body } });
  await queryClient.invalidateQueries({ queryKey: keys.notices });
}

interface Props {
  /** The button below which they are shown. */
  trigger: RefObject<HTMLElement | null>;
  onClose: () => void;
}

export default function NoticeCentre({ trigger, onClose }: Props) {
  const notices = useNotices();
  const account = useAccount();

  async function open(notice: Notice): Promise<void> {
    if (!notice.read) void markRead({ ids: [notice.id] }).catch(() => undefined);
    if (!notice.file_id) return;
    try {
      const file = await call("get /v1/files/{file_id}", { path: { file_id: notice.file_id } });
      onClose();
      if (file.kind === "folder") return navigate(folderHref(file.id, account.id));
      navigate(containingHref(file, account.id));
      viewFile(file, [file]);
    } catch (error) {
      const mayWait = notice.kind === "shared_with_you" && error instanceof Problem && error.status === 404;
      if (!mayWait) return void toast(reason(error), { tone: "error" });
      onClose(); // to be accepted
      navigate(SHARED);
    }
  }
  const unread = notices.data?.unread ?? 0;
  return (
    <Popover
      className="notices"
      triggerRef={trigger}
      isOpen
      placement="bottom end"
      onOpenChange={(open) => {
        if (!open) onClose();
      }}
    >
      <Dialog className="dialog" aria-label={i18n.t("Notifications")}>
        <header>
          <h2>{i18n.t("Notifications")}</h2>
          {unread > 0 && (
            <button className="text-button" onClick={() => void attempt(() => markRead({ all: true }))}>
              <CheckCheck size={16} aria-hidden="true" /> {i18n.t("Mark all read")}
            </button>
          )}
          <button className="icon-button small" aria-label={i18n.t("Close")} onClick={onClose}>
            <X size={18} />
          </button>
        </header>
        {notices.error && !notices.data ? (
          <Failed error={notices.error} />
        ) : !notices.data ? (
          <Spinner />
        ) : notices.data.items.length === 0 ? (
          <p className="notices-empty muted">{i18n.t("Nothing yet. Follow a file or folder to be notified of its changes.")}</p>
        ) : (
          <ul>
            {notices.data.items.map((notice) => (
              <li key={notice.id}>
                <button className={notice.read ? "notice" : "notice unread"} onClick={() => void open(notice)}>
                  <span className="notice-title">
                    {!notice.read && <span className="sr-only">{i18n.t("Unread:")} </span>}
                    {notice.title}
                  </span>
                  <span className="muted">
                    {when(notice.created_at)}
                    {notice.more > 0 && ` · ${i18n.t("and {more} more", { more: count(notice.more) })}`}
                  </span>
                </button>
              </li>
            ))}
          </ul>
        )}
      </Dialog>
    </Popover>
  );
}
