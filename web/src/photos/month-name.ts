import { i18n } from "@lingui/core";

/** "May 2026" of `2026-05`. */
export const monthName = (month: string): string =>
  new Date(`${month}-01T00:00:00Z`).toLocaleDateString(i18n.locales, { month: "long", year: "numeric", timeZone: "UTC" });
