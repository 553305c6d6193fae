/** States of a list without content: loading, empty, failed. */
import { i18n } from "@lingui/core";
import type { UseInfiniteQueryResult } from "@tanstack/react-query";
import { LoaderCircle } from "lucide-react";
import type { ReactNode } from "react";
import { reason } from "@/api/problem";
import { type More, useMore } from "@/api/queries";

export function Spinner({ label = i18n.t("Loading") }: { label?: string }) {
  return (
    <div className="spinner" role="status" aria-label={label}>
      <LoaderCircle size={22} />
    </div>
  );
}

export function Empty({ icon, title, children }: { icon?: ReactNode; title: string; children?: ReactNode }) {
  return (
    <div className="empty">
      {icon && (
        <div className="empty-icon" aria-hidden="true">
          {icon}
        </div>
      )}
      <h2>{title}</h2>
      {children}
    </div>
  );
}

interface FailedProps {
  error: unknown;
  onRetry?: () => void;
  /** What else can be done. */
  children?: ReactNode;
}

export function Failed({ error, onRetry, children }: FailedProps) {
  return (
    <div className="empty" role="alert">
      <h2>{i18n.t("Something went wrong")}</h2>
      <p>{reason(error)}</p>
      {onRetry && (
        <button type="button" className="button" onClick={onRetry}>
          {i18n.t("Try again")}
        </button>
      )}
      {children}
    </div>
  );
}

/** Under a list: why there is no more of it, if the next page was refused. */
export function MoreFailed({ more }: { more: More }) {
  if (!more.error) return null;
  return (
    <div className="more-failed" role="alert">
      <span>{i18n.t("Could not load more: {error}", { error: reason(more.error) })}</span>
      <button type="button" className="text-button" onClick={more.retry}>
        {i18n.t("Try again")}
      </button>
    </div>
  );
}

/** Under a list that grows by hand: what has the next page come, or why that did not. */
export function ShowMore({ list, className = "button" }: { list: UseInfiniteQueryResult; className?: string }) {
  const more = useMore(list);
  if (more.error) return <MoreFailed more={more} />;
  if (!more.there) return null;
  return (
    <button type="button" className={className} disabled={list.isFetchingNextPage} onClick={more.load}>
      {i18n.t("Show more")}
    </button>
  );
}
