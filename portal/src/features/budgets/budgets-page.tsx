import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Bell, Bot, Building2, FolderKanban, Pencil, Plus, Ticket, Trash2, Wallet, type LucideIcon } from "lucide-react";
import { useState } from "react";
import { api, done } from "@/api/client";
import { budgetsQuery, type Budget } from "@/api/queries/budgets";
import { formatMoment } from "@/i18n/format";
import { t } from "@/i18n/translate";
import { useDenial, useOrganisation } from "@/lib/scope";
import { BudgetBar } from "@/components/budget-bar";
import { Confirm } from "@/components/confirm";
import { Loaded } from "@/components/loaded";
import { Page } from "@/components/page";
import { Empty } from "@/components/states";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { notify } from "@/components/ui/toast";
import { BudgetForm } from "@/features/budgets/budget-form";
import { budgetName, scopeOf, SCOPES, useCandidates, type Candidates, type Scope } from "@/features/budgets/scope";

const ICONS: Record<Scope, LucideIcon> = { organisation: Building2, project: FolderKanban, agent: Bot, key: Ticket };

type Asking = { kind: "form"; budget?: Budget } | { kind: "delete"; budget: Budget } | null;

export function BudgetsPage() {
  const budgets = useQuery(budgetsQuery(useOrganisation().id));
  const candidates = useCandidates();
  const [asking, setAsking] = useState<Asking>(null);
  const denial = useDenial("connections");
  const close = () => setAsking(null);
  return (
    <Page
      title={t("budgets.title")}
      description={t("budgets.description")}
      actions={
        <Button look="primary" disabled={denial !== undefined} title={denial} onClick={() => setAsking({ kind: "form" })}>
          <Plus aria-hidden />
          {t("budgets.create")}
        </Button>
      }
    >
      <Loaded query={budgets}>
        {(items) =>
          items.length === 0 ? (
            <Card>
              <Empty icon={Wallet} title={t("budgets.empty")}>
                {t("budgets.empty_hint")}
              </Empty>
            </Card>
          ) : (
            <ul className="grid grid-cols-1 gap-4">
              {inOrder(items, candidates).map((budget) => (
                <li key={budget.id}>
                  <BudgetCard budget={budget} candidates={candidates} denial={denial} onAsk={setAsking} />
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
      {asking?.kind === "form" ? <BudgetForm budget={asking.budget} candidates={candidates} onClose={close} /> : null}
      {asking?.kind === "delete" ? (
        <DeleteBudget budget={asking.budget} name={budgetName(asking.budget, candidates)} onClose={close} />
      ) : null}
    </Page>
  );
}

/** From the widest to the narrowest, then by name. */
function inOrder(budgets: Budget[], candidates: Candidates): Budget[] {
  const rank = (budget: Budget) => SCOPES.indexOf(scopeOf(budget).scope);
  return budgets.toSorted((a, b) => rank(a) - rank(b) || budgetName(a, candidates).localeCompare(budgetName(b, candidates)));
}

interface BudgetCardProps {
  budget: Budget;
  candidates: Candidates;
  denial: string | undefined;
  onAsk: (asking: Asking) => void;
}

function BudgetCard({ budget, candidates, denial, onAsk }: BudgetCardProps) {
  const { scope } = scopeOf(budget);
  const Icon = ICONS[scope];
  const name = budgetName(budget, candidates);
  const denied = denial !== undefined;
  return (
    <Card className="px-5 py-4 sm:px-6">
      <div className="mb-3 flex items-start gap-3">
        <span className="grid size-9 shrink-0 place-items-center rounded-xl bg-brand-wash text-brand-strong">
          <Icon aria-hidden className="size-4.5" />
        </span>
        <div className="min-w-0 grow">
          <h2 className="font-semibold break-words">{name}</h2>
          <p className="text-[0.9rem] text-soft">
            {scope === "organisation" ? null : `${t(`spend.by_${scope}`)} · `}
            {t("budgets.renews", { when: formatMoment(budget.current.ends) })}
          </p>
        </div>
        <div className="flex">
          <Button
            look="quiet"
            size="icon"
            disabled={denied}
            title={denial}
            aria-label={t("budgets.edit", { name })}
            onClick={() => onAsk({ kind: "form", budget })}
          >
            <Pencil aria-hidden />
          </Button>
          <Button
            look="quiet"
            size="icon"
            disabled={denied}
            title={denial}
            aria-label={t("action.remove_named", { name })}
            onClick={() => onAsk({ kind: "delete", budget })}
          >
            <Trash2 aria-hidden />
          </Button>
        </div>
      </div>
      <BudgetBar budget={budget} />
      <p className="mt-2.5 text-[0.9rem] text-soft">{rulesOf(budget)}</p>
      {budget.current.alerts.length === 0 ? null : (
        <ul className="mt-2.5 flex flex-wrap gap-2">
          {budget.current.alerts.map(({ percent, at }) => (
            <li key={percent}>
              <Badge tone={percent >= 100 ? "bad" : "warn"}>
                <Bell aria-hidden />
                {t("budgets.alert_at", { percent, when: formatMoment(at) })}
              </Badge>
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}

function rulesOf({ on_exceeded, when_unavailable }: Budget): string {
  const exceeded = typeof on_exceeded === "string" ? t("budgets.rule_fallback", { group: on_exceeded }) : t("budgets.rule_refuse");
  const away = when_unavailable === "allow" ? t("budgets.rule_unavailable_allow") : t("budgets.rule_unavailable_refuse");
  return `${exceeded}; ${away}.`;
}

function DeleteBudget({ budget, name, onClose }: { budget: Budget; name: string; onClose: () => void }) {
  const organisation = useOrganisation().id;
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: () =>
      done(api.DELETE("/api/organisations/{organisation}/budgets/{budget}", { params: { path: { organisation, budget: budget.id } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["budgets"] }),
  });
  const mutate = () =>
    remove.mutate(undefined, {
      onSuccess: () => {
        notify("done", t("budgets.deleted"));
        onClose();
      },
    });
  return (
    <Confirm
      title={t("budgets.delete_title", { name })}
      description={t("budgets.delete_hint")}
      action={t("action.delete")}
      mutation={{ mutate, isPending: remove.isPending, error: remove.error }}
      onClose={onClose}
    />
  );
}
