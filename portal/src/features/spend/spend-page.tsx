import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { ChartColumn } from "lucide-react";
import { useState, type ReactNode } from "react";
import { formatCompact, formatCost, formatDuration, formatNumber } from "@/i18n/format";
import { t } from "@/i18n/translate";
import { useOrganisation } from "@/lib/scope";
import { Loaded } from "@/components/loaded";
import { Page } from "@/components/page";
import { Segmented } from "@/components/segmented";
import { Empty } from "@/components/states";
import { Card, CardSection } from "@/components/ui/card";
import { Field } from "@/components/ui/field";
import { Input, Select } from "@/components/ui/input";
import { Latencies } from "@/features/spend/latencies";
import { useNames } from "@/features/spend/names";
import { OverTime } from "@/features/spend/over-time";
import { PERIODS, spanOf, type Period, type Span } from "@/features/spend/period";
import { BYS, usageQuery, type By } from "@/features/spend/queries";
import { MEASURES, type Usage } from "@/features/spend/series";
import { Shares } from "@/features/spend/shares";
import { Unlogged } from "@/features/spend/unlogged";

/** What is looked at stands in the address: it can be linked to, and Back undoes it. */
export function SpendPage() {
  const search = useSearch({ from: "/app/o/$organisation/models/spend" });
  const [opened] = useState(() => Date.now());
  const span = spanOf(search.period ?? "month", search.from, search.to, opened);
  const by = search.by ?? "model";
  const usage = useQuery(usageQuery(useOrganisation().id, span, by));
  return (
    <Page wide title={t("spend.title")} description={t("spend.description")}>
      <Choices />
      <Loaded query={usage}>
        {(data) =>
          data.requests === 0 ? (
            <Card>
              <Empty icon={ChartColumn} title={t("spend.empty")}>
                {t("spend.empty_hint")}
              </Empty>
            </Card>
          ) : (
            <>
              <Unlogged calls={data.unlogged_calls} />
              <Figures usage={data} span={span} by={by} />
            </>
          )
        }
      </Loaded>
    </Page>
  );
}

function Figures({ usage, span, by }: { usage: Usage; span: Span; by: By }) {
  const { measure = "cost" } = useSearch({ from: "/app/o/$organisation/models/spend" });
  const navigate = useNavigate({ from: "/o/$organisation/models/spend" });
  const names = useNames([by]);
  return (
    <div className="grid grid-cols-1 gap-6">
      <Tiles usage={usage} span={span} />
      <CardSection
        title={t("spend.over_time")}
        description={t("spend.over_time_hint")}
        action={
          <Segmented
            label={t("spend.measure")}
            value={measure}
            options={MEASURES.map((value) => ({ value, label: t(`spend.${value}`) }))}
            onChange={(value) => void navigate({ search: (before) => ({ ...before, measure: value }), replace: true })}
          />
        }
      >
        <OverTime usage={usage} span={span} by={by} measure={measure} names={names} />
      </CardSection>
      <div className="grid grid-cols-1 items-start gap-6 xl:grid-cols-2">
        <Shares usage={usage} span={span} by={by} measure={measure} names={names} />
        <Latencies usage={usage} by={by} names={names} />
      </div>
    </div>
  );
}

function Tiles({ usage, span }: { usage: Usage; span: Span }) {
  const organisation = useOrganisation().name;
  const { latency } = usage;
  const unknown = usage.cost_unknown;
  return (
    <dl className="grid grid-cols-2 gap-3 sm:gap-4 xl:grid-cols-4">
      <Tile label={t("spend.cost")} value={unknown > 0 && usage.cost_usd === 0 ? t("cost.unknown") : formatCost(usage.cost_usd)}>
        {unknown === 0 ? null : (
          <Link to="/o/$organisation/models/prices" params={{ organisation }} className="rounded text-warn underline underline-offset-2">
            {t("spend.cost_unknown", { count: unknown })}
          </Link>
        )}
        {usage.reserved_usd === 0 ? null : <span>{t("spend.cost_reserved", { cost: formatCost(usage.reserved_usd) })}</span>}
      </Tile>
      <Tile label={t("spend.calls")} value={formatNumber(usage.requests)}>
        {usage.failed === 0 ? (
          <span>{t("spend.calls_fine")}</span>
        ) : (
          <Link
            to="/o/$organisation/models/calls"
            params={{ organisation }}
            search={{ since: span.since, until: span.until, outcome: "failed" }}
            className="rounded text-bad underline underline-offset-2"
          >
            {t("spend.calls_failed", { count: usage.failed })}
          </Link>
        )}
        {usage.refused === 0 ? null : (
          <Link
            to="/o/$organisation/models/calls"
            params={{ organisation }}
            search={{ since: span.since, until: span.until, outcome: "refused" }}
            className="rounded underline underline-offset-2"
          >
            {t("spend.calls_refused", { count: usage.refused })}
          </Link>
        )}
      </Tile>
      <Tile label={t("spend.tokens")} value={formatCompact(usage.input_tokens + usage.output_tokens)}>
        <span>{t("spend.tokens_in_out", { input: formatCompact(usage.input_tokens), output: formatCompact(usage.output_tokens) })}</span>
      </Tile>
      <Tile label={t("spend.latency")} value={latency === null || latency === undefined ? "–" : formatDuration(latency.p50)}>
        {latency === null || latency === undefined ? null : <span>{t("spend.latency_tile", { value: formatDuration(latency.p95) })}</span>}
      </Tile>
    </dl>
  );
}

function Tile({ label, value, children }: { label: string; value: string; children: ReactNode }) {
  return (
    <Card className="px-4 py-4 sm:px-5">
      <dt className="text-soft">{label}</dt>
      <dd>
        <p className="text-[1.65rem] leading-tight font-semibold tabular-nums">{value}</p>
        <p className="mt-1 flex min-h-6 flex-wrap gap-x-3 text-[0.9rem] text-soft">{children}</p>
      </dd>
    </Card>
  );
}

function Choices() {
  const search = useSearch({ from: "/app/o/$organisation/models/spend" });
  const navigate = useNavigate({ from: "/o/$organisation/models/spend" });
  const set = (change: Partial<typeof search>) => void navigate({ search: (before) => ({ ...before, ...change }), replace: true });
  const period = search.period ?? "month";
  return (
    <div className="mb-6 flex flex-wrap items-end gap-3">
      <Field label={t("spend.period")} className="w-44">
        {(control) => (
          <Select {...control} value={period} onChange={(event) => set({ period: one(PERIODS, event.target.value) })}>
            {PERIODS.map((name: Period) => (
              <option key={name} value={name}>
                {t(`spend.period_${name}`)}
              </option>
            ))}
          </Select>
        )}
      </Field>
      {period !== "custom" ? null : (
        <>
          <Field label={t("spend.from")}>
            {(control) => (
              <Input {...control} type="date" value={search.from ?? ""} onChange={(event) => set({ from: event.target.value })} />
            )}
          </Field>
          <Field label={t("spend.to")}>
            {(control) => <Input {...control} type="date" value={search.to ?? ""} onChange={(event) => set({ to: event.target.value })} />}
          </Field>
        </>
      )}
      <Field label={t("spend.by")} className="w-44">
        {(control) => (
          <Select {...control} value={search.by ?? "model"} onChange={(event) => set({ by: one(BYS, event.target.value) })}>
            {BYS.map((name) => (
              <option key={name} value={name}>
                {t(`spend.by_${name}`)}
              </option>
            ))}
          </Select>
        )}
      </Field>
    </div>
  );
}

/** A select's value is any string to the compiler; what it offered is one of these. */
function one<Value extends string>(values: readonly Value[], chosen: string): Value | undefined {
  return values.find((value) => value === chosen);
}
