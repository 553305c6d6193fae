/** Office documents that the page shows itself, and the messages between it and the frame that renders them. */
import { endingOf } from "@/lib/media";

/** The frame that renders each format, by the ending of a file's name. */
const FRAMES = {
  docx: "docx", xlsx: "xlsx", pptx: "pptx", xls: "xls", ods: "ods", odt: "opendocument", odp: "opendocument",
  doc: "doc", ppt: "ppt", rtf: "rtf",
} as const;
export type OfficeFormat = keyof typeof FRAMES;
export const FORMATS = Object.keys(FRAMES) as OfficeFormat[];

/** With the language of the page that shows it. */
export const frameUrl = (format: OfficeFormat, language: string): string => `/frames/${FRAMES[format]}.html#${language}`;

/** Of these the frame shows the text alone, above which the page notes it. */
const TEXT_FORMATS: readonly OfficeFormat[] = ["doc", "odp", "odt", "ppt", "rtf"];
export const isTextOnly = (format: OfficeFormat): boolean => TEXT_FORMATS.includes(format);
export const TEXT_ONLY = /*i18n*/ "Text only. Download the document to see it with its layout.";

/** Why a document is not shown. */
export const REASONS = ["damaged", "protected", "too_large", "timed_out", "not_loaded"] as const;
export type Reason = (typeof REASONS)[number];

export const WHY_NOT: Record<Reason, string> = {
  damaged:
    /*i18n*/ "This document can’t be shown here: it is damaged, or in another format than its name suggests. Download it to open it.",
  protected:
    /*i18n*/ "This document can’t be shown here: it is protected by a password, or in an older format. Download it to open it.",
  too_large: /*i18n*/ "This document is too large to be shown here. Download it to open it.",
  timed_out: /*i18n*/ "This document takes too long to be shown here. Download it to open it.",
  not_loaded: /*i18n*/ "The viewer for this document couldn’t be loaded. Download it, or reload the page.",
};

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

const LINKED = new RegExp(`^#(${FORMATS.join("|")}):(/l/[\\w-]+/download(?:\\?[\\w.~%&=-]*)?)$`);

/** What the page of a public link asks to show, by the fragment of a frame's address; undefined for any other address. */
export function linkedDocument(fragment: string): { format: OfficeFormat; address: string } | undefined {
  const [, format, address] = LINKED.exec(fragment) ?? [];
  return address ? { format: format as OfficeFormat, address } : undefined;
}

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
