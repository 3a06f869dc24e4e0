import { Link } from "@tanstack/react-router";
import { Ellipsis } from "lucide-react";
import type { MyOrganisation } from "@/api/queries/me";
import type { Budget } from "@/api/queries/budgets";
import type { VirtualKey } from "@/api/queries/virtual-keys";
import { formatCompact } from "@/i18n/format";
import { t } from "@/i18n/translate";
import { BudgetBar } from "@/components/budget-bar";
import type { Column } from "@/components/data-table";
import { TimeAgo } from "@/components/time-ago";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Menu, MenuItem, MenuLine } from "@/components/ui/menu";

export interface KeyAsking {
  kind: "edit" | "disable" | "delete";
  virtualKey: VirtualKey;
}

interface ColumnsProps {
  organisation: MyOrganisation;
  budgets: Budget[];
  denial: string | undefined;
  onAsk: (asking: KeyAsking) => void;
}

export function columnsOf({ organisation, budgets, denial, onAsk }: ColumnsProps): Column<VirtualKey>[] {
  return [
    {
      accessorKey: "name",
      header: () => t("vkeys.name"),
      cell: ({ row: { original } }) => (
        <span className="max-sm:text-end">
          <span className="flex flex-wrap items-center gap-2 max-sm:justify-end">
            {original.name}
            {typeof original.disabled_at === "string" ? <Badge tone="warn">{t("vkeys.state_disabled")}</Badge> : null}
          </span>
          <code className="block font-mono text-[0.87rem] font-normal text-soft">{`${original.prefix}…`}</code>
        </span>
      ),
    },
    {
      id: "project",
      enableSorting: false,
      header: () => t("vkeys.project"),
      cell: ({ row: { original } }) =>
        typeof original.project_id === "string"
          ? (organisation.projects.find(({ id }) => id === original.project_id)?.name ?? "…")
          : t("vkeys.project_none"),
    },
    {
      id: "groups",
      enableSorting: false,
      header: () => t("vkeys.groups_short"),
      cell: ({ row: { original } }) => (original.model_groups.length === 0 ? t("vkeys.groups_all") : original.model_groups.join(", ")),
    },
    { id: "limits", enableSorting: false, header: () => t("vkeys.limits"), cell: ({ row }) => <Limits {...row.original.limits} /> },
    {
      id: "budget",
      enableSorting: false,
      header: () => t("vkeys.budget_short"),
      cell: ({ row: { original } }) => {
        const own = budgets.filter(({ virtual_key_id }) => virtual_key_id === original.id);
        if (own.length === 0) return <span className="text-soft">{t("vkeys.budget_none")}</span>;
        return (
          <Link
            to="/o/$organisation/models/budgets"
            params={{ organisation: organisation.name }}
            className="grid w-44 gap-2 rounded"
            aria-label={t("vkeys.budget_of", { name: original.name })}
          >
            {own.map((budget) => (
              <BudgetBar key={budget.id} budget={budget} small />
            ))}
          </Link>
        );
      },
    },
    {
      accessorKey: "last_used_at",
      header: () => t("vkeys.last_used"),
      cell: ({ row: { original } }) =>
        typeof original.last_used_at === "string" ? <TimeAgo at={original.last_used_at} /> : t("time.never"),
    },
    {
      id: "actions",
      enableSorting: false,
      header: () => null,
      cell: ({ row: { original } }) => <Actions virtualKey={original} denial={denial} organisation={organisation.name} onAsk={onAsk} />,
    },
  ];
}

function Limits({ requests_per_minute, tokens_per_minute }: VirtualKey["limits"]) {
  const parts = [
    typeof requests_per_minute === "number" ? t("vkeys.requests_of", { count: formatCompact(requests_per_minute) }) : null,
    typeof tokens_per_minute === "number" ? t("vkeys.tokens_of", { count: formatCompact(tokens_per_minute) }) : null,
  ].filter((part) => part !== null);
  if (parts.length === 0) return <span className="text-soft">{t("vkeys.unlimited")}</span>;
  return (
    <span className="grid whitespace-nowrap max-sm:text-end">
      {parts.map((part) => (
        <span key={part}>{part}</span>
      ))}
    </span>
  );
}

interface ActionsProps {
  virtualKey: VirtualKey;
  denial: string | undefined;
  organisation: string;
  onAsk: (asking: KeyAsking) => void;
}

function Actions({ virtualKey, denial, organisation, onAsk }: ActionsProps) {
  const denied = denial !== undefined;
  const ask = (kind: KeyAsking["kind"]) => () => onAsk({ kind, virtualKey });
  return (
    <div className="text-end">
      <Menu
        align="end"
        trigger={
          <Button look="quiet" size="icon" aria-label={t("action.more_for", { name: virtualKey.name })}>
            <Ellipsis aria-hidden />
          </Button>
        }
      >
        <MenuItem asChild>
          <Link to="/o/$organisation/models/calls" params={{ organisation }} search={{ key: virtualKey.id }}>
            {t("spend.see_calls")}
          </Link>
        </MenuItem>
        <MenuLine />
        <MenuItem disabled={denied} onSelect={ask("edit")}>
          {t("action.edit")}
        </MenuItem>
        <MenuItem disabled={denied} onSelect={ask("disable")}>
          {typeof virtualKey.disabled_at === "string" ? t("vkeys.enable") : t("vkeys.disable")}
        </MenuItem>
        <MenuItem disabled={denied} className="text-bad" onSelect={ask("delete")}>
          {t("action.delete")}
        </MenuItem>
      </Menu>
    </div>
  );
}
