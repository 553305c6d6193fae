/** Metadata of a photo or document, as shown in the details. */
import { i18n } from "@lingui/core";
import type { FileMedia } from "@/api/types";
import { count, moment } from "@/lib/format";

export function mediaFacts(media: FileMedia): [string, string][] {
  const facts: [string, string | null][] = [
    [i18n.t("Dimensions"), media.width && media.height ? `${media.width} × ${media.height}` : null],
    [i18n.t("Length"), media.seconds ? clock(media.seconds) : null],
    [i18n.t("Pages"), media.pages ? count(media.pages) : null],
    [i18n.t("Taken"), media.taken_at && moment(media.taken_at)],
    [i18n.t("Camera"), media.camera],
    [i18n.t("Location"), media.latitude !== null && media.longitude !== null ? `${media.latitude}, ${media.longitude}` : null],
    [i18n.t("Preview"), media.state === "failed" ? i18n.t(NO_PREVIEW[media.reason] ?? "This file can’t be shown") : null],
  ];
  return facts.filter((fact): fact is [string, string] => Boolean(fact[1]));
}

const NO_PREVIEW: Record<string, string> = {
  corrupt: /*i18n*/ "The file is damaged",
  encrypted: /*i18n*/ "The file needs a password",
  too_large: /*i18n*/ "The file is too large",
  timed_out: /*i18n*/ "The file takes too long to show",
};

/** Hours, minutes and seconds. */
function clock(seconds: number): string {
  const whole = Math.round(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return shown.map((part, index) => (index ? String(part).padStart(2, "0") : part)).join(":");
}
