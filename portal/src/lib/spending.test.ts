import { expect, test } from "vitest";
import { fullness } from "@/lib/spending";

function budget(usd: number, spent_usd: number, reserved_usd: number, alerts = [80, 100]) {
  const current = { begins: "2026-11-01T00:00:00Z", ends: "2026-12-01T00:00:00Z", spent_usd, reserved_usd, alerts: [] };
  return { usd, alerts, current };
}

test("what is spent and what is reserved never fill more than the budget", () => {
  expect(fullness(budget(10, 4, 1))).toEqual({ spent: 0.4, reserved: 0.1, percent: 40, tone: "ok" });
  expect(fullness(budget(10, 9, 5))).toMatchObject({ spent: 0.9, percent: 90, tone: "warn" });
  expect(fullness(budget(10, 9, 5)).reserved).toBeCloseTo(0.1);
  expect(fullness(budget(10, 12, 5))).toEqual({ spent: 1, reserved: 0, percent: 120, tone: "bad" });
});

test("a budget is full when it is full, and one of nothing always is", () => {
  expect(fullness(budget(10, 9.996, 0, []))).toMatchObject({ percent: 99, tone: "ok" });
  expect(fullness(budget(0, 0, 0))).toEqual({ spent: 1, reserved: 0, percent: 100, tone: "bad" });
});
