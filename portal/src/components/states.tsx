import { CircleAlert, RotateCw, type LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { describe, isStatus } from "@/api/errors";
import { t } from "@/i18n/translate";
import { Button } from "@/components/ui/button";

/** Grey bars where content is about to be. */
export function Loading({ rows }: { rows?: number }) {
  return (
    <div role="status" aria-label={t("state.loading")} className="grid gap-3 py-2">
      {Array.from({ length: rows ?? 4 }, (_, row) => (
        <div key={row} className={`h-11 animate-pulse rounded-lg bg-sunken ${row % 3 === 2 ? "w-2/3" : ""}`} />
      ))}
    </div>
  );
}

interface EmptyProps {
  icon: LucideIcon;
  title: string;
  /** Where it is the whole page. */
  heading?: "h1" | "p";
  children?: ReactNode;
  action?: ReactNode;
}

export function Empty({ icon: Icon, title, heading: Title = "p", children, action }: EmptyProps) {
  return (
    <div className="grid justify-items-center gap-2 px-6 py-14 text-center">
      <span className="mb-2 grid size-12 place-items-center rounded-2xl bg-brand-wash text-brand-strong">
        <Icon aria-hidden className="size-5.5" />
      </span>
      <Title className="text-[1.07rem] font-semibold">{title}</Title>
      {children === undefined ? null : <div className="max-w-md text-soft">{children}</div>}
      {action === undefined ? null : <div className="mt-3">{action}</div>}
    </div>
  );
}

interface FailureProps {
  error: unknown;
  onRetry?: () => void;
}

export function Failure({ error, onRetry }: FailureProps) {
  const missing = isStatus(error, 404);
  return (
    <div role="alert" className="flex flex-wrap items-center gap-x-4 gap-y-3 rounded-xl bg-bad-wash px-4 py-3.5">
      <CircleAlert aria-hidden className="size-5 shrink-0 text-bad" />
      <div className="min-w-52 grow basis-0">
        <p className="font-medium">{missing ? t("error.not_found") : t("error.load")}</p>
        <p className="text-soft">{missing ? t("error.not_found_hint") : describe(error)}</p>
      </div>
      {onRetry === undefined || missing ? null : (
        <Button size="small" onClick={onRetry}>
          <RotateCw aria-hidden />
          {t("action.retry")}
        </Button>
      )}
    </div>
  );
}

/** The failed attempt of a form, beside its button. */
export function FormFailure({ error }: { error: unknown }) {
  if (error === null || error === undefined) return null;
  return (
    <p role="alert" className="flex items-start gap-2 rounded-lg bg-bad-wash px-3 py-2 text-bad">
      <CircleAlert aria-hidden className="mt-1 size-4 shrink-0" />
      {describe(error)}
    </p>
  );
}
