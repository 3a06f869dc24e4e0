import type { Schemas } from "@/api/client";
import { formatCost } from "@/i18n/format";
import { t } from "@/i18n/translate";
import { cn } from "@/lib/cn";
import { fullness } from "@/lib/spending";

const FILLS = { ok: "bg-brand", warn: "bg-amber", bad: "bg-bad" };

/** What is spent and reserved of a budget in the day or month that runs. */
export function BudgetBar({ budget, small }: { budget: Schemas["Budget"]; small?: boolean }) {
  const { spent, reserved, percent, tone } = fullness(budget);
  const { spent_usd, reserved_usd } = budget.current;
  const words =
    reserved_usd > 0
      ? t("budgets.spent_reserved", { spent: formatCost(spent_usd), reserved: formatCost(reserved_usd), limit: formatCost(budget.usd) })
      : t("budgets.spent", { spent: formatCost(spent_usd), limit: formatCost(budget.usd) });
  return (
    <span className="block min-w-0">
      <span className={cn("flex flex-wrap justify-between gap-x-4 tabular-nums", small === true ? "text-[0.86rem]" : "")}>
        <span>
          {small === true ? t("budgets.spent", { spent: formatCost(spent_usd), limit: formatCost(budget.usd) }) : words}
          {small === true ? <span className="text-soft">{` ${t(`budgets.a_${budget.period}`)}`}</span> : null}
        </span>
        {small === true ? null : <span className={cn("font-semibold", tone === "bad" && "text-bad")}>{`${percent} %`}</span>}
      </span>
      <span
        role="meter"
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.min(100, percent)}
        aria-valuetext={words}
        aria-label={t("budgets.one")}
        className={cn("relative mt-1 flex overflow-hidden rounded-full bg-sunken", small === true ? "h-1.5" : "h-3")}
      >
        <span className={cn("block h-full", FILLS[tone])} style={{ width: `${spent * 100}%` }} />
        <span className={cn("block h-full opacity-40", FILLS[tone])} style={{ width: `${reserved * 100}%` }} />
        {small === true
          ? null
          : budget.alerts
              .filter((alert) => alert < 100)
              .map((alert) => (
                <span key={alert} className="absolute inset-y-0 w-0.5 bg-ink/45" style={{ insetInlineStart: `${alert}%` }} />
              ))}
      </span>
    </span>
  );
}
