/** Toasts, announced to screen readers. */
import { i18n } from "@lingui/core";
import { X } from "lucide-react";
import { useSyncExternalStore } from "react";

export interface Toast {
  id: number;
  text: string;
  tone: "plain" | "error";
  action?: { label: string; run: () => void };
}

const SHOWN_MS = 6_000;
let toasts: Toast[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

function change(next: Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}

export function toast(text: string, options: { tone?: Toast["tone"]; action?: Toast["action"] } = {}): void {
  const id = ++lastId;
  change([...toasts.slice(-2), { id, text, tone: options.tone ?? "plain", action: options.action }]);
  setTimeout(() => dismiss(id), options.action ? SHOWN_MS * 2 : SHOWN_MS);
}

const dismiss = (id: number) => change(toasts.filter((one) => one.id !== id));

export function Toasts() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => toasts,
  );
  return (
    <div className="toasts" role="status" aria-live="polite">
      {shown.map((one) => (
        <div key={one.id} className={`toast ${one.tone}`}>
          <span>{one.text}</span>
          {one.action && (
            <button
              className="text-button"
              onClick={() => {
                one.action?.run();
                dismiss(one.id);
              }}
            >
              {one.action.label}
            </button>
          )}
          <button className="icon-button small" aria-label={i18n.t("Dismiss")} onClick={() => dismiss(one.id)}>
            <X size={16} />
          </button>
        </div>
      ))}
    </div>
  );
}
