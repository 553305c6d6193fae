/** Office documents that the page shows itself, and the messages between it and the frame that renders them. */
import { endingOf } from "@/lib/media";

export const FORMATS = ["docx", "xlsx", "pptx"] as const;
export type OfficeFormat = (typeof FORMATS)[number];

/** Why a document is not shown. */
export const REASONS = ["damaged", "protected", "too_large", "timed_out", "not_loaded"] as const;
export type Reason = (typeof REASONS)[number];

export type FrameMessage = { state: "ready" } | { state: "rendered" } | { state: "failed"; reason: Reason };

/** What the page asks of the frame, once. */
export interface RenderRequest {
  bytes: ArrayBuffer;
}

export class CannotShow extends Error {
  constructor(readonly reason: Reason) {
    super(reason);
  }
}

/** The format in which the page can render a file; undefined for others. */
export const officeFormat = (name: string): OfficeFormat | undefined =>
  FORMATS.find((format) => format === endingOf(name));

/** A message of the frame, whose document may be hostile: anything but the known messages is undefined. */
export function frameMessage(data: unknown): FrameMessage | undefined {
  if (typeof data !== "object" || data === null) return undefined;
  const { state, reason } = data as { state?: unknown; reason?: unknown };
  if (state === "ready" || state === "rendered") return { state };
  if (state !== "failed") return undefined;
  return { state, reason: REASONS.find((known) => known === reason) ?? "damaged" };
}

export function renderRequest(data: unknown): RenderRequest | undefined {
  const bytes = (data as { bytes?: unknown } | null)?.bytes;
  return bytes instanceof ArrayBuffer ? { bytes } : undefined;
}
