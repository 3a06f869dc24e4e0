import { Link } from "@tanstack/react-router";
import { formatCompact, formatCost, formatDuration, formatNumber } from "@/i18n/format";
import { t } from "@/i18n/translate";
import { useOrganisation } from "@/lib/scope";
import { CardSection } from "@/components/ui/card";
import { filterOf, type Names } from "@/features/spend/names";
import type { Span } from "@/features/spend/period";
import type { By } from "@/features/spend/queries";
import { costKnown, measured, type Group, type Measure, type Usage } from "@/features/spend/series";

interface SharesProps {
  usage: Usage;
  span: Span;
  by: By;
  measure: Measure;
  names: Names;
}

/** Every group with a bar as long as its share, and the way to its calls. */
export function Shares({ usage, span, by, measure, names }: SharesProps) {
  const most = Math.max(...usage.groups.map((group) => measured(group, measure)), 0);
  const sorted = usage.groups.toSorted((a, b) => measured(b, measure) - measured(a, measure));
  return (
    <CardSection title={t("spend.shares")} description={t("spend.shares_hint")}>
      <table className="w-full border-collapse tabular-nums">
        <caption className="sr-only">{t("spend.shares")}</caption>
        <thead className="max-sm:sr-only">
          <tr className="text-[0.86rem] text-soft">
            <th scope="col" className="pb-2 text-start font-medium">
              {t(`spend.by_${by}`)}
            </th>
            {[t("spend.cost"), t("spend.calls"), t("spend.tokens"), t("spend.p95")].map((head) => (
              <th key={head} scope="col" className="pb-2 ps-4 text-end font-medium">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sorted.map((group) => (
            <Share
              key={group.name}
              group={group}
              name={names.of(by, group.name)}
              filter={filterOf(by, group.name)}
              span={span}
              part={most === 0 ? 0 : measured(group, measure) / most}
            />
          ))}
        </tbody>
      </table>
    </CardSection>
  );
}

interface ShareProps {
  group: Group;
  name: string;
  filter: ReturnType<typeof filterOf>;
  span: Span;
  part: number;
}

function Share({ group, name, filter, span, part }: ShareProps) {
  const organisation = useOrganisation().name;
  return (
    <tr className="border-t align-top max-sm:grid max-sm:grid-cols-2 max-sm:gap-x-4 max-sm:py-2.5">
      <th scope="row" className="text-start font-normal max-sm:col-span-2 sm:w-2/5 sm:py-2.5">
        {filter === null ? (
          <span className="text-soft">{name}</span>
        ) : (
          <Link
            to="/o/$organisation/models/calls"
            params={{ organisation }}
            search={{ ...filter, since: span.since, until: span.until }}
            aria-label={t("spend.see_calls_of", { name })}
            className="rounded font-medium break-all hover:underline"
          >
            {name}
          </Link>
        )}
        <span aria-hidden className="mt-1 block h-1.5 rounded-full bg-sunken">
          <span className="block h-full rounded-full bg-brand" style={{ width: `${part * 100}%` }} />
        </span>
      </th>
      <Figure label={t("spend.cost")}>{costOf(group)}</Figure>
      <Figure label={t("spend.calls")}>
        {formatNumber(group.requests)}
        {group.failed === 0 ? null : (
          <span className="block text-[0.85rem] text-bad">{t("spend.calls_failed", { count: group.failed })}</span>
        )}
      </Figure>
      <Figure label={t("spend.tokens")}>{formatCompact(group.input_tokens + group.output_tokens)}</Figure>
      <Figure label={t("spend.p95")}>
        {group.latency === null || group.latency === undefined ? "–" : formatDuration(group.latency.p95)}
      </Figure>
    </tr>
  );
}

function Figure({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <td className="text-end max-sm:flex max-sm:justify-between max-sm:gap-3 sm:py-2.5 sm:ps-4">
      <span aria-hidden className="text-[0.86rem] text-soft sm:hidden">
        {label}
      </span>
      <span className="whitespace-nowrap">{children}</span>
    </td>
  );
}

export function costOf(group: Group): string {
  switch (costKnown(group)) {
    case "all":
      return formatCost(group.cost_usd);
    case "none":
      return t("cost.unknown");
    case "some":
      return t("spend.cost_partly", { cost: formatCost(group.cost_usd), count: group.cost_unknown });
  }
}
