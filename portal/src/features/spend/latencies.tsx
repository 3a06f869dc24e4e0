import { useState } from "react";
import { Bar, BarChart, CartesianGrid, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";
import { formatDuration } from "@/i18n/format";
import { t } from "@/i18n/translate";
import { ChartTable } from "@/components/chart-table";
import { Segmented } from "@/components/segmented";
import { Swatch } from "@/components/swatch";
import { CardSection } from "@/components/ui/card";
import type { Names } from "@/features/spend/names";
import type { By } from "@/features/spend/queries";
import type { Usage } from "@/features/spend/series";

const QUANTILES = [
  { key: "p50", colour: "var(--chart-1)" },
  { key: "p95", colour: "var(--chart-2)" },
  { key: "p99", colour: "var(--chart-4)" },
] as const;
/** More bars than this are no picture any more; the table has them all. */
const DRAWN = 8;
const ROW_PIXELS = 52;

type Which = "first_token" | "latency";

/** How long answers took, one line a group. */
export function Latencies({ usage, by, names }: { usage: Usage; by: By; names: Names }) {
  const [which, setWhich] = useState<Which>("latency");
  const groups = usage.groups.flatMap((group) => {
    const found = group[which];
    return found === null || found === undefined ? [] : [{ key: group.name, name: names.of(by, group.name), ...found }];
  });
  const drawn = groups.slice(0, DRAWN);
  const height = drawn.length * ROW_PIXELS + 36;
  return (
    <CardSection
      title={t("spend.latency")}
      description={t("spend.latency_hint")}
      action={
        <Segmented
          label={t("spend.latency")}
          value={which}
          onChange={setWhich}
          options={[
            { value: "latency", label: t("spend.whole_answer") },
            { value: "first_token", label: t("spend.first_token") },
          ]}
        />
      }
    >
      {groups.length === 0 ? (
        <p className="rounded-xl bg-sunken px-4 py-10 text-center text-soft">{t("spend.latency_none")}</p>
      ) : (
        <>
          <div aria-hidden>
            <ResponsiveContainer width="100%" height={height}>
              <BarChart
                data={drawn}
                layout="vertical"
                accessibilityLayer={false}
                margin={{ top: 0, right: 16, bottom: 0, left: 0 }}
                barGap={1}
                barCategoryGap="22%"
              >
                <CartesianGrid horizontal={false} stroke="var(--line)" />
                <XAxis
                  type="number"
                  tickFormatter={(ms: number) => formatDuration(ms)}
                  tick={{ fill: "var(--soft)", fontSize: 12 }}
                  axisLine={false}
                  tickLine={false}
                  minTickGap={30}
                />
                <YAxis
                  type="category"
                  dataKey="name"
                  width={152}
                  tickFormatter={(name: string) => shortened(name)}
                  tick={{ fill: "var(--ink)", fontSize: 12.5 }}
                  axisLine={{ stroke: "var(--line)" }}
                  tickLine={false}
                  interval={0}
                />
                <Tooltip
                  cursor={{ fill: "var(--sunken)" }}
                  isAnimationActive={false}
                  content={({ active, label }) => (active === true ? <Hint group={drawn.find(({ name }) => name === label)} /> : null)}
                />
                {QUANTILES.map(({ key, colour }) => (
                  <Bar key={key} dataKey={key} fill={colour} radius={[0, 3, 3, 0]} isAnimationActive={false} />
                ))}
              </BarChart>
            </ResponsiveContainer>
          </div>
          <ul className="mt-2 flex flex-wrap gap-x-5 text-[0.9rem]">
            {QUANTILES.map(({ key, colour }) => (
              <li key={key} className="flex items-center gap-2">
                <Swatch colour={colour} />
                {key}
              </li>
            ))}
          </ul>
          <ChartTable
            caption={t("spend.latency")}
            head={[t(`spend.by_${by}`), t("spend.p50"), t("spend.p95"), t("spend.p99")]}
            rows={groups.map(({ key, name, p50, p95, p99 }) => ({ key, cells: [name, ...[p50, p95, p99].map(formatDuration)] }))}
          />
        </>
      )}
    </CardSection>
  );
}

function Hint({ group }: { group: { name: string; p50: number; p95: number; p99: number } | undefined }) {
  if (group === undefined) return null;
  const [p50, p95, p99] = [group.p50, group.p95, group.p99].map(formatDuration);
  return (
    <div className="rounded-xl border bg-surface px-3.5 py-2.5 text-[0.88rem] shadow-card">
      <p className="font-medium">{group.name}</p>
      <p className="text-soft">{t("spend.latency_p", { p50: p50 ?? "", p95: p95 ?? "", p99: p99 ?? "" })}</p>
    </div>
  );
}

/** The end of a model's name tells more than its provider. */
function shortened(name: string): string {
  return name.length <= 20 ? name : `…${name.slice(-19)}`;
}
