import { locale, t } from "@/i18n/translate";

const day = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });
const moment = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
const clock = new Intl.DateTimeFormat(locale, { timeStyle: "short" });
const ago = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });
const whole = new Intl.NumberFormat(locale);
const money = new Intl.NumberFormat(locale, {
  style: "currency",
  currency: "USD",
  currencyDisplay: "narrowSymbol",
  notation: "compact",
  minimumFractionDigits: 0,
  maximumSignificantDigits: 3,
});
const rate = new Intl.NumberFormat(locale, {
  style: "currency",
  currency: "USD",
  currencyDisplay: "narrowSymbol",
  maximumFractionDigits: 6,
});
const compact = new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 });

export function formatNumber(value: number): string {
  return whole.format(value);
}

export function formatCompact(value: number): string {
  return compact.format(value);
}

/** For axes: short, and never finer than three digits. */
export function formatMoney(usd: number): string {
  return money.format(usd);
}

export function formatDay(iso: string): string {
  return day.format(new Date(iso));
}

export function formatMoment(iso: string): string {
  return moment.format(new Date(iso));
}

export function formatClock(iso: string): string {
  return clock.format(new Date(iso));
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** "5 minutes ago"; a date once it is more than a week old. */
export function formatAgo(iso: string, now: number): string {
  const seconds = Math.round((new Date(iso).getTime() - now) / 1000);
  if (Math.abs(seconds) > 7 * 86_400) return formatDay(iso);
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return ago.format(Math.trunc(seconds / size), unit);
  }
  return t("time.now");
}

export function formatDuration(ms: number): string {
  if (ms < 1000) return t("time.milliseconds", { value: formatNumber(Math.round(ms)) });
  if (ms < 60_000) return t("time.seconds", { value: (ms / 1000).toFixed(1) });
  return t("time.minutes", { minutes: Math.floor(ms / 60_000), seconds: Math.round((ms % 60_000) / 1000) });
}

/** What a million tokens cost: as exact as it was set. */
export function formatRate(usd: number | null | undefined): string {
  return usd === null || usd === undefined ? "–" : rate.format(usd);
}

/** What a call cost; null means that no price is known for its model. */
export function formatCost(usd: string | number | null | undefined): string {
  if (usd === null || usd === undefined) return t("cost.unknown");
  const value = Number(usd);
  if (value === 0) return "$0";
  return `$${value < 0.01 ? value.toPrecision(2) : value.toFixed(value < 1 ? 3 : 2)}`;
}
