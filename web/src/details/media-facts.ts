/** What a photo or document says of itself, as shown in the details. */
import type { FileMedia } from "@/api/types";
import { count, moment } from "@/lib/format";

export function mediaFacts(media: FileMedia): [string, string][] {
  const facts: [string, string | null][] = [
    ["Dimensions", media.width && media.height ? `${media.width} × ${media.height}` : null],
    ["Length", media.seconds ? clock(media.seconds) : null],
    ["Pages", media.pages ? count(media.pages) : null],
    ["Taken", media.taken_at && moment(media.taken_at)],
    ["Camera", media.camera],
    ["Location", media.latitude !== null && media.longitude !== null ? `${media.latitude}, ${media.longitude}` : null],
    ["Preview", media.state === "failed" ? (NO_PREVIEW[media.reason] ?? "This file can’t be shown") : null],
  ];
  return facts.filter((fact): fact is [string, string] => Boolean(fact[1]));
}

const NO_PREVIEW: Record<string, string> = {
  corrupt: "The file is damaged",
  encrypted: "The file needs a password",
  too_large: "The file is too large",
  timed_out: "The file takes too long to show",
};

/** Hours, minutes and seconds. */
function clock(seconds: number): string {
  const whole = Math.round(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return shown.map((part, index) => (index ? String(part).padStart(2, "0") : part)).join(":");
}
