import { Link, useNavigate } from "@tanstack/react-router";
import { Bar, BarChart, CartesianGrid, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";
import { formatCompact, formatCost, formatMoney, formatNumber } from "@/i18n/format";
import { t } from "@/i18n/translate";
import { useOrganisation } from "@/lib/scope";
import { ChartTable } from "@/components/chart-table";
import { Swatch } from "@/components/swatch";
import { filterOf, type Names } from "@/features/spend/names";
import { stepSpan, type Span } from "@/features/spend/period";
import type { By } from "@/features/spend/queries";
import { stack, type Line, type Measure, type Row, type Usage } from "@/features/spend/series";
import { stepLabel, stepShort } from "@/features/spend/steps";

interface OverTimeProps {
  usage: Usage;
  span: Span;
  by: By;
  measure: Measure;
  names: Names;
}

/** Bars of what was spent, called or read, hour by hour or day by day. */
export function OverTime({ usage, span, by, measure, names }: OverTimeProps) {
  const organisation = useOrganisation().name;
  const navigate = useNavigate();
  const { lines, rows } = stack(usage, span, measure);
  const shown = lines.filter(({ total }) => total > 0);
  const nameOf = (line: Line) => (line.name === null ? t("spend.rest") : names.of(by, line.name));
  const follow = (line: Line, at: number) => {
    const filter = line.name === null ? {} : (filterOf(by, line.name) ?? {});
    void navigate({ to: "/o/$organisation/models/calls", params: { organisation }, search: { ...filter, ...stepSpan(at, span.step) } });
  };
  if (shown.length === 0) return <p className="rounded-xl bg-sunken px-4 py-14 text-center text-soft">{t("chart.empty")}</p>;
  return (
    <>
      <div aria-hidden className="h-72 w-full">
        <ResponsiveContainer width="100%" height="100%">
          <BarChart data={rows} accessibilityLayer={false} margin={{ top: 6, right: 0, bottom: 0, left: 0 }} maxBarSize={44}>
            <CartesianGrid vertical={false} stroke="var(--line)" />
            <XAxis
              dataKey="at"
              tickFormatter={(at: number) => stepShort(at, span.step)}
              tick={{ fill: "var(--soft)", fontSize: 12 }}
              axisLine={{ stroke: "var(--line)" }}
              tickLine={false}
              minTickGap={24}
            />
            <YAxis
              width={54}
              tickFormatter={(value: number) => (measure === "cost" ? formatMoney(value) : formatCompact(value))}
              tick={{ fill: "var(--soft)", fontSize: 12 }}
              axisLine={false}
              tickLine={false}
              allowDecimals={measure === "cost"}
            />
            <Tooltip
              cursor={{ fill: "var(--sunken)" }}
              isAnimationActive={false}
              content={({ active, label }) =>
                active === true ? <Hint row={rows.find(({ at }) => at === label)} lines={shown} {...{ span, measure, nameOf }} /> : null
              }
            />
            {shown.map((line) => (
              <Bar
                key={line.key}
                stackId="all"
                name={line.key}
                dataKey={(row: Row) => row.values[line.key] ?? 0}
                fill={line.colour}
                isAnimationActive={false}
                className="cursor-pointer"
                onClick={(_, index) => {
                  const row = rows[index];
                  if (row !== undefined) follow(line, row.at);
                }}
              />
            ))}
          </BarChart>
        </ResponsiveContainer>
      </div>
      <Legend lines={shown} by={by} span={span} nameOf={nameOf} organisation={organisation} />
      <ChartTable
        caption={t("spend.over_time")}
        head={[t("chart.step"), ...shown.map(nameOf), t("chart.total")]}
        rows={rows.toReversed().map(({ at, values }) => ({
          key: String(at),
          cells: [
            <Link
              key="step"
              to="/o/$organisation/models/calls"
              params={{ organisation }}
              search={stepSpan(at, span.step)}
              title={t("spend.see_calls")}
              className="rounded hover:underline"
            >
              {stepLabel(at, span.step)}
            </Link>,
            ...shown.map(({ key }) => figure(values[key] ?? 0, measure)),
            figure(sum(values), measure),
          ],
        }))}
      />
    </>
  );
}

interface LegendProps {
  lines: Line[];
  by: By;
  span: Span;
  nameOf: (line: Line) => string;
  organisation: string;
}

function Legend({ lines, by, span, nameOf, organisation }: LegendProps) {
  return (
    <ul className="mt-3 flex flex-wrap gap-x-5 gap-y-1.5 text-[0.9rem]">
      {lines.map((line) => {
        const filter = line.name === null ? null : filterOf(by, line.name);
        const name = nameOf(line);
        return (
          <li key={line.key} className="flex min-w-0 items-center gap-2">
            <Swatch colour={line.colour} />
            {filter === null ? (
              <span className="text-soft">{name}</span>
            ) : (
              <Link
                to="/o/$organisation/models/calls"
                params={{ organisation }}
                search={{ ...filter, since: span.since, until: span.until }}
                title={t("spend.see_calls")}
                className="min-w-0 rounded break-all hover:underline"
              >
                {name}
              </Link>
            )}
          </li>
        );
      })}
    </ul>
  );
}

interface HintProps {
  row: Row | undefined;
  lines: Line[];
  span: Span;
  measure: Measure;
  nameOf: (line: Line) => string;
}

function Hint({ row, lines, span, measure, nameOf }: HintProps) {
  if (row === undefined) return null;
  const present = lines.filter(({ key }) => (row.values[key] ?? 0) > 0);
  return (
    <div className="max-w-80 rounded-xl border bg-surface px-3.5 py-2.5 text-[0.88rem] shadow-card">
      <p className="flex justify-between gap-6 font-medium">
        <span>{stepLabel(row.at, span.step)}</span>
        <span className="tabular-nums">{figure(sum(row.values), measure)}</span>
      </p>
      {present.map((line) => (
        <p key={line.key} className="mt-1 flex items-center gap-2">
          <Swatch colour={line.colour} />
          <span className="min-w-0 grow truncate">{nameOf(line)}</span>
          <span className="tabular-nums text-soft">{figure(row.values[line.key] ?? 0, measure)}</span>
        </p>
      ))}
    </div>
  );
}

function figure(value: number, measure: Measure): string {
  return measure === "cost" ? formatCost(value) : formatNumber(value);
}

function sum(values: Record<string, number>): number {
  return Object.values(values).reduce((total, value) => total + value, 0);
}
