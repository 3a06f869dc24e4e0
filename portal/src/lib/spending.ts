import type { Schemas } from "@/api/client";

/** How full a budget is, as parts of it; what lies beyond it is cut off. */
export interface Fullness {
  spent: number;
  reserved: number;
  /** Whole percents, also beyond 100. */
  percent: number;
  tone: "ok" | "warn" | "bad";
}

export function fullness({ usd, alerts, current }: Pick<Schemas["Budget"], "usd" | "alerts" | "current">): Fullness {
  const part = (amount: number) => (usd === 0 ? 1 : amount / usd);
  const spent = Math.min(1, part(current.spent_usd));
  const reserved = Math.min(1 - spent, part(current.reserved_usd));
  // Rounded down: a budget is full when it is full, not at 99.6 percent.
  const percent = usd === 0 ? 100 : Math.floor((current.spent_usd / usd) * 100 + 1e-9);
  const first = Math.min(...alerts, 100);
  return { spent, reserved: usd === 0 ? 0 : reserved, percent, tone: percent >= 100 ? "bad" : percent >= first ? "warn" : "ok" };
}
