/** Formats sizes, times, counts and people in the user's language. */

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

/** Made once: that takes thirty times as long as using one, and lists use one in each row. */
const sizeFormats = new Map<string, Intl.NumberFormat>();

function sizeFormat(unit: number, digits: number): Intl.NumberFormat {
  const key = `${unit} ${digits}`;
  let format = sizeFormats.get(key);
  if (!format) {
    format = new Intl.NumberFormat(undefined, {
      style: "unit",
      unit: UNITS[unit],
      unitDisplay: unit === 0 ? "long" : "short",
      maximumFractionDigits: digits,
    });
    sizeFormats.set(key, format);
  }
  return format;
}

const counts = new Intl.NumberFormat();

export const count = (value: number) => counts.format(value);

/** Who somebody is to who reads it; a name that is not known, or not yet, is nobody's. */
export const who = (id: string, name: string | null | undefined, me: string, you = "You") =>
  id === me ? you : (name ?? (you === "You" ? "Someone else" : "someone else"));

/** "12 files", "1 file". */
export const counted = (value: number, one: string, many: string) => `${count(value)} ${value === 1 ? one : many}`;

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
  if (Math.abs(amount) < 45) return "just now";
  for (const [unit, length] of STEPS) {
    if (Math.abs(amount) < length) return relative.format(Math.round(amount), unit);
    amount /= length;
  }
  const sameYear = date.getFullYear() === new Date(now).getFullYear();
  return date.toLocaleDateString(undefined, { day: "numeric", month: "short", year: sameYear ? undefined : "numeric" });
}

/** When something ends by itself; what is due ends with the server's next round. */
export function ending(moment: string | null, now = Date.now()): string {
  if (!moment) return "Never";
  return new Date(moment).getTime() <= now ? "Soon" : when(moment, now);
}

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

export function moment(value: string): string {
  return new Date(value).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

/** "2 min 5 s": what is left of something that takes seconds. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return whole % 60 ? `${minutes} min ${whole % 60} s` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return `${hours} h ${minutes % 60} min`;
}
