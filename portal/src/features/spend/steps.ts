import { locale } from "@/i18n/translate";
import type { Step } from "@/features/spend/period";

/** Steps are the server's, in UTC: told in UTC, or a day's bar would bear the name of the day before. */
const UTC = { timeZone: "UTC" } as const;
const day = new Intl.DateTimeFormat(locale, { ...UTC, day: "numeric", month: "short" });
const clock = new Intl.DateTimeFormat(locale, { ...UTC, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const dayLong = new Intl.DateTimeFormat(locale, { ...UTC, dateStyle: "medium" });

export function stepShort(at: number, step: Step): string {
  return step === "hour" ? clock.format(at) : day.format(at);
}

export function stepLabel(at: number, step: Step): string {
  return step === "hour" ? `${day.format(at)}, ${clock.format(at)}` : dayLong.format(at);
}
