import type { Schemas } from "@/api/client";
import { stepsOf, type Span } from "@/features/spend/period";

export type Usage = Schemas["Usage"];
export type Group = Usage["groups"][number];
type Totals = Schemas["Totals"];

export const MEASURES = ["cost", "calls", "tokens"] as const;
export type Measure = (typeof MEASURES)[number];

/** Colours run out long before names do: the dearest have one each, all others share a grey. */
const COLOURED = 7;
export const REST = "rest";

export interface Line {
  /** What `rows` calls it. */
  key: string;
  /** null: all that have no line of their own. */
  name: string | null;
  colour: string;
  total: number;
}

export interface Row {
  at: number;
  values: Record<string, number>;
}

export function measured(sums: Totals, measure: Measure): number {
  if (measure === "cost") return sums.cost_usd;
  return measure === "calls" ? sums.requests : sums.input_tokens + sums.output_tokens;
}

/** The series as stacked bars. A group keeps its colour whatever is measured: its place among the dearest gives it. */
export function stack(usage: Usage, span: Span, measure: Measure): { lines: Line[]; rows: Row[] } {
  const own = new Map(usage.groups.slice(0, COLOURED).map(({ name }, index) => [name, `g${index}`]));
  const rows = new Map(stepsOf(span).map((at) => [at, new Map<string, number>()]));
  const totals = new Map<string, number>();
  for (const point of usage.series) {
    const key = (point.name === null || point.name === undefined ? undefined : own.get(point.name)) ?? REST;
    const value = measured(point, measure);
    const row = rows.get(Date.parse(point.at));
    row?.set(key, (row.get(key) ?? 0) + value);
    totals.set(key, (totals.get(key) ?? 0) + value);
  }
  const lines = [...own].map(([name, key], index) => ({
    key,
    name,
    colour: `var(--chart-${index + 1})`,
    total: totals.get(key) ?? 0,
  }));
  const rest = totals.get(REST);
  return {
    lines: rest === undefined ? lines : [...lines, { key: REST, name: null, colour: "var(--chart-rest)", total: rest }],
    rows: [...rows].map(([at, values]) => ({ at, values: Object.fromEntries(values) })),
  };
}

/** Of the calls that came to something, whether their cost is known in part, as a whole or not at all. */
export function costKnown(sums: Totals): "all" | "some" | "none" {
  if (sums.cost_unknown === 0) return "all";
  return sums.cost_usd === 0 ? "none" : "some";
}

/** A model's group is named `provider/model`; a provider's name has no slash in it. */
export function splitModel(name: string): { provider: string; model: string } {
  const at = name.indexOf("/");
  return at < 0 ? { provider: name, model: "" } : { provider: name.slice(0, at), model: name.slice(at + 1) };
}
