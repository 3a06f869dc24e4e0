import { expect, test } from "vitest";
import { spanOf, stepsOf, stepSpan } from "@/features/spend/period";
import { costKnown, splitModel, stack, type Usage } from "@/features/spend/series";

const NOW = Date.parse("2026-11-20T16:25:00Z");
const NONE = {
  requests: 0,
  failed: 0,
  refused: 0,
  aborted: 0,
  cached: 0,
  cost_unknown: 0,
  input_tokens: 0,
  cache_read_tokens: 0,
  cache_write_tokens: 0,
  output_tokens: 0,
  reasoning_tokens: 0,
  cost_usd: 0,
};

function usage(series: [at: string, name: string | null, cost: number][], names: string[]): Usage {
  const groups = names.map((name) => ({ ...NONE, name, latency: null, first_token: null }));
  const points = series.map(([at, name, cost_usd]) => ({ ...NONE, at, name, cost_usd, requests: 1 }));
  return {
    ...NONE,
    name: "",
    latency: null,
    first_token: null,
    since: "",
    until: "",
    reserved_usd: 0,
    unlogged_calls: 0,
    groups,
    series: points,
  };
}

test("a day is told by the hour up to the hour that runs, longer periods by whole days in UTC", () => {
  expect(spanOf("day", undefined, undefined, NOW)).toEqual({
    since: "2026-11-19T17:00:00.000Z",
    until: "2026-11-20T17:00:00.000Z",
    step: "hour",
  });
  const week = spanOf("week", undefined, undefined, NOW);
  expect(week).toEqual({ since: "2026-11-14T00:00:00.000Z", until: "2026-11-21T00:00:00.000Z", step: "day" });
  expect(stepsOf(week)).toHaveLength(7);
});

test("a period of one's own includes both its days, and makes sense or is the last 30 days", () => {
  expect(spanOf("custom", "2026-11-01", "2026-11-02", NOW)).toEqual({
    since: "2026-11-01T00:00:00.000Z",
    until: "2026-11-03T00:00:00.000Z",
    step: "hour",
  });
  const month = spanOf("month", undefined, undefined, NOW);
  expect(spanOf("custom", "2026-11-05", "2026-11-02", NOW)).toEqual(month);
  expect(spanOf("custom", undefined, "nonsense", NOW)).toEqual(month);
});

test("steps without calls stand in the chart too", () => {
  const span = spanOf("week", undefined, undefined, NOW);
  const { rows, lines } = stack(usage([["2026-11-16T00:00:00Z", "a/x", 2]], ["a/x"]), span, "cost");
  expect(rows.map(({ values }) => values["g0"] ?? 0)).toEqual([0, 0, 2, 0, 0, 0, 0]);
  expect(lines).toEqual([{ key: "g0", name: "a/x", colour: "var(--chart-1)", total: 2 }]);
});

test("the dearest have colours of their own, all others are one grey", () => {
  const names = Array.from({ length: 9 }, (_, index) => `p/m${index}`);
  const at = "2026-11-20T00:00:00Z";
  const points = names.map((name): [string, string, number] => [at, name, 1]);
  const { lines } = stack(usage([...points, [at, null, 5]], names), spanOf("week", undefined, undefined, NOW), "cost");
  expect(lines.map(({ name, total }) => [name, total])).toEqual([...names.slice(0, 7).map((name) => [name, 1]), [null, 7]]);
});

test("a cost that is not known is not taken for nothing", () => {
  expect(costKnown({ ...NONE, requests: 2 })).toBe("all");
  expect(costKnown({ ...NONE, requests: 2, cost_unknown: 2 })).toBe("none");
  expect(costKnown({ ...NONE, requests: 2, cost_unknown: 1, cost_usd: 0.1 })).toBe("some");
});

test("a model's name may have slashes, its provider's has none", () => {
  expect(splitModel("router/meta/llama-3")).toEqual({ provider: "router", model: "meta/llama-3" });
});

test("a bar leads to its own hour or day", () => {
  expect(stepSpan(Date.parse("2026-11-20T00:00:00Z"), "day")).toEqual({
    since: "2026-11-20T00:00:00.000Z",
    until: "2026-11-21T00:00:00.000Z",
  });
});
