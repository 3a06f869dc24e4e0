import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { ListTree, X } from "lucide-react";
import { useMemo, useState } from "react";
import { formatCompact, formatCost, formatDuration, formatMoment } from "@/i18n/format";
import { t } from "@/i18n/translate";
import { useOrganisation } from "@/lib/scope";
import { DataTable, type Column } from "@/components/data-table";
import { Page } from "@/components/page";
import { Paged } from "@/components/paged";
import { Empty } from "@/components/states";
import { TimeAgo } from "@/components/time-ago";
import { Card } from "@/components/ui/card";
import { Select } from "@/components/ui/input";
import { useNames, type Names } from "@/features/spend/names";
import { OutcomeBadge } from "@/features/spend/outcome";
import { spanOf } from "@/features/spend/period";
import { callsQuery, OUTCOMES, usageQuery, type CallFilter, type ModelCall } from "@/features/spend/queries";
import { Unlogged } from "@/features/spend/unlogged";

/** The log of model calls. Its filters live in the address, where the spend page puts them. */
export function CallsPage() {
  const organisation = useOrganisation();
  const filter = useSearch({ from: "/app/o/$organisation/models/calls" });
  const calls = useInfiniteQuery(callsQuery(organisation.id, filter));
  const [opened] = useState(() => Date.now());
  const usage = useQuery(usageQuery(organisation.id, spanOf("day", undefined, undefined, opened), "provider")).data;
  const names = useNames(["agent", "project", "key"]);
  const columns = useMemo(() => columnsOf(organisation.name, names), [organisation.name, names]);
  return (
    <Page
      wide
      title={t("calls.title")}
      description={t("calls.description")}
      back={{ link: { to: "/o/$organisation/models/spend", params: { organisation: organisation.name } }, label: t("spend.title") }}
    >
      <Unlogged calls={usage?.unlogged_calls ?? 0} />
      <Filters filter={filter} names={names} />
      <Paged
        query={calls}
        empty={
          <Card>
            <Empty icon={ListTree} title={t("calls.empty")}>
              {t("calls.empty_hint")}
            </Empty>
          </Card>
        }
      >
        {(items) => <DataTable caption={t("calls.title")} columns={columns} rows={items} rowId={({ id }) => id} />}
      </Paged>
    </Page>
  );
}

function columnsOf(organisation: string, names: Names): Column<ModelCall>[] {
  return [
    {
      accessorKey: "at",
      header: () => t("calls.at"),
      cell: ({ row: { original } }) => (
        <Link
          to="/o/$organisation/models/calls/$call"
          params={{ organisation, call: original.id }}
          className="rounded underline-offset-2 hover:underline"
        >
          <TimeAgo at={original.at} />
        </Link>
      ),
    },
    {
      id: "model",
      enableSorting: false,
      header: () => t("calls.model"),
      cell: ({ row: { original } }) =>
        typeof original.model === "string" ? (
          <span className="min-w-0 max-sm:text-end">
            <span className="block break-all">{original.model}</span>
            <span className="block text-[0.86rem] text-soft">{original.provider}</span>
          </span>
        ) : (
          <span className="text-soft">{t("calls.nobody")}</span>
        ),
    },
    {
      id: "who",
      enableSorting: false,
      header: () => t("calls.who"),
      cell: ({ row }) => <span className="whitespace-nowrap max-sm:whitespace-normal">{callerName(row.original, names)}</span>,
    },
    {
      accessorKey: "outcome",
      enableSorting: false,
      header: () => t("calls.outcome"),
      cell: ({ row: { original } }) => <OutcomeBadge outcome={original.outcome} cached={original.cached} />,
    },
    {
      id: "tokens",
      enableSorting: false,
      header: () => t("calls.tokens"),
      cell: ({ row: { original } }) =>
        typeof original.input_tokens === "number" ? (
          <span className="whitespace-nowrap">
            {t("calls.tokens_in_out", { input: formatCompact(original.input_tokens), output: formatCompact(original.output_tokens ?? 0) })}
          </span>
        ) : (
          "–"
        ),
    },
    {
      accessorKey: "cost_usd",
      header: () => t("calls.cost"),
      cell: ({ row }) => <span className="whitespace-nowrap">{formatCost(row.original.cost_usd)}</span>,
    },
    {
      accessorKey: "duration_ms",
      header: () => t("calls.duration"),
      cell: ({ row }) => <span className="whitespace-nowrap">{formatDuration(row.original.duration_ms)}</span>,
    },
  ];
}

/** An agent where one asked, else the key, else the project. */
function callerName(call: ModelCall, names: Names): string {
  if (typeof call.agent_id === "string") return names.of("agent", call.agent_id);
  if (typeof call.key_id === "string") return names.of("key", call.key_id);
  return names.of("project", call.project_id ?? "");
}

function Filters({ filter, names }: { filter: CallFilter; names: Names }) {
  const navigate = useNavigate({ from: "/o/$organisation/models/calls" });
  const set = (change: CallFilter) => void navigate({ search: (before) => ({ ...before, ...change }), replace: true });
  const { since, until, provider, model, agent, project, key, outcome } = filter;
  const chips = [
    since === undefined || until === undefined
      ? null
      : {
          words: t("calls.period", { from: formatMoment(since), to: formatMoment(until) }),
          clear: { since: undefined, until: undefined },
        },
    model === undefined ? null : { words: `${t("calls.model")}: ${model}`, clear: { model: undefined } },
    provider === undefined ? null : { words: `${t("spend.by_provider")}: ${provider}`, clear: { provider: undefined } },
    agent === undefined ? null : { words: `${t("spend.by_agent")}: ${names.of("agent", agent)}`, clear: { agent: undefined } },
    project === undefined ? null : { words: `${t("spend.by_project")}: ${names.of("project", project)}`, clear: { project: undefined } },
    key === undefined ? null : { words: `${t("spend.by_key")}: ${names.of("key", key)}`, clear: { key: undefined } },
  ].filter((chip) => chip !== null);
  return (
    <search aria-label={t("calls.filters")} className="mb-5 flex flex-wrap items-center gap-2.5">
      <Select
        className="w-48"
        aria-label={t("calls.outcome")}
        value={outcome ?? ""}
        onChange={(event) => set({ outcome: OUTCOMES.find((name) => name === event.target.value) })}
      >
        <option value="">{t("calls.all_outcomes")}</option>
        {OUTCOMES.map((name) => (
          <option key={name} value={name}>
            {t(`calls.outcome_${name}`)}
          </option>
        ))}
      </Select>
      {chips.map(({ words, clear }) => (
        <button
          key={words}
          type="button"
          aria-label={t("calls.filter_remove", { what: words })}
          className="inline-flex max-w-full items-center gap-1.5 rounded-full bg-brand-wash py-1 ps-3 pe-2 text-[0.9rem] text-brand-strong hover:bg-sunken"
          onClick={() => set(clear)}
        >
          <span className="min-w-0 break-all">{words}</span>
          <X aria-hidden className="size-3.5 shrink-0" />
        </button>
      ))}
    </search>
  );
}
