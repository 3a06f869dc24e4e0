/** Which stretch of time the spend pages tell of; sums are kept by the hour, in UTC. */
export const PERIODS = ["day", "week", "month", "quarter", "custom"] as const;
export type Period = (typeof PERIODS)[number];
export type Step = "hour" | "day";

export interface Span {
  since: string;
  until: string;
  step: Step;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const DAYS = { week: 7, month: 30, quarter: 90 } as const;

/** `from` and `to` are days of a period of one's own, both included; where they make no sense, it is the last 30 days. */
export function spanOf(period: Period, from: string | undefined, to: string | undefined, now: number): Span {
  const hour = Math.floor(now / HOUR) * HOUR + HOUR;
  if (period === "day") return spanBetween(hour - DAY, hour);
  if (period === "custom") {
    const [first, last] = [Date.parse(`${from ?? ""}T00:00:00Z`), Date.parse(`${to ?? ""}T00:00:00Z`)];
    if (!Number.isNaN(first) && !Number.isNaN(last) && first <= last) return spanBetween(first, last + DAY);
  }
  const days = period === "custom" ? DAYS.month : DAYS[period];
  const tomorrow = Math.floor(now / DAY) * DAY + DAY;
  return spanBetween(tomorrow - days * DAY, tomorrow);
}

function spanBetween(since: number, until: number): Span {
  return {
    since: new Date(since).toISOString(),
    until: new Date(until).toISOString(),
    step: until - since < 3 * DAY ? "hour" : "day",
  };
}

/** The beginnings of all steps of a span, also of those in which nothing was called. */
export function stepsOf({ since, until, step }: Span): number[] {
  const size = step === "hour" ? HOUR : DAY;
  const [first, end] = [Math.floor(Date.parse(since) / size) * size, Date.parse(until)];
  return Array.from({ length: Math.max(0, Math.ceil((end - first) / size)) }, (_, index) => first + index * size);
}

/** The stretch that one step covers: what a click on a bar leads to. */
export function stepSpan(at: number, step: Step): { since: string; until: string } {
  return { since: new Date(at).toISOString(), until: new Date(at + (step === "hour" ? HOUR : DAY)).toISOString() };
}
