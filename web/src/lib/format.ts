/** Formats sizes, times, counts and people in the user's language. */
import { i18n } from "@lingui/core";

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte", "petabyte"] as const;

/** Three digits at most: 999 bytes, 1.5 KB, 12 MB. In steps of 1024, as plans are counted, and as mails have them. */
export function size(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return sizeFormat(unit, unit > 0 && value < 9.95 ? 1 : 0).format(value).replace("kB", "KB");
}

/** Made once for a language: that takes thirty times as long as using one, and lists use one in each row. */
const made = new Map<string, unknown>();
i18n.on("change", () => made.clear());

function once<T>(key: string, make: (languages: Intl.LocalesArgument) => T): T {
  if (!made.has(key)) made.set(key, make(i18n.locales));
  return made.get(key) as T;
}

const sizeFormat = (unit: number, digits: number) =>
  once(`size ${unit} ${digits}`, (languages) =>
    new Intl.NumberFormat(languages, {
      style: "unit",
      unit: UNITS[unit],
      unitDisplay: unit === 0 ? "long" : "short",
      maximumFractionDigits: digits,
    }),
  );

export const count = (value: number) => once("count", (languages) => new Intl.NumberFormat(languages)).format(value);

/** A person's name as the reader knows them, alone or after a preposition; a placeholder while it is unknown. */
export function who(id: string, name: string | null | undefined, me: string, as: "subject" | "object" = "subject"): string {
  if (as === "subject") return id === me ? i18n.t("You") : (name ?? i18n.t("Someone else"));
  return id === me ? i18n.t("you") : (name ?? i18n.t("someone else"));
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["second", 60],
  ["minute", 60],
  ["hour", 24],
  ["day", 7],
];

/** "5 minutes ago" within a week, then the day. */
export function when(moment: string, now = Date.now()): string {
  const date = new Date(moment);
  let amount = (date.getTime() - now) / 1000;
  if (Math.abs(amount) < 45) return i18n.t("just now");
  for (const [unit, length] of STEPS) {
    if (Math.abs(amount) < length) return relative().format(Math.round(amount), unit);
    amount /= length;
  }
  const sameYear = date.getFullYear() === new Date(now).getFullYear();
  return date.toLocaleDateString(i18n.locales, { day: "numeric", month: "short", year: sameYear ? undefined : "numeric" });
}

/** When something ends by itself; what is due ends with the server's next round. */
export function ending(moment: string | null, now = Date.now()): string {
  if (!moment) return i18n.t("Never");
  return new Date(moment).getTime() <= now ? i18n.t("Soon") : when(moment, now);
}

const relative = () => once("relative", (languages) => new Intl.RelativeTimeFormat(languages, { numeric: "auto" }));

export function moment(value: string): string {
  return new Date(value).toLocaleString(i18n.locales, { dateStyle: "medium", timeStyle: "short" });
}

/** "2 min 5 s": what is left of something that takes seconds. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return i18n.t("{seconds} s", { seconds: whole });
  const minutes = Math.floor(whole / 60);
  if (minutes < 60)
    return whole % 60
      ? i18n.t("{minutes} min {seconds} s", { minutes, seconds: whole % 60 })
      : i18n.t("{minutes} min", { minutes });
  const hours = Math.floor(minutes / 60);
  return i18n.t("{hours} h {minutes} min", { hours, minutes: minutes % 60 });
}
