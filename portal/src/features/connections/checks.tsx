import { CircleCheck, CircleX, RotateCw } from "lucide-react";
import { t } from "@/i18n/translate";
import { FormFailure } from "@/components/states";
import { Button } from "@/components/ui/button";
import { useCheck } from "@/features/connections/mutations";

/** Real calls to the channel, each with what it found. */
export function Checks({ connection }: { connection: string }) {
  const check = useCheck(connection);
  return (
    <div className="grid grid-cols-1 gap-3">
      <div className="flex flex-wrap items-center gap-3">
        <Button busy={check.isPending} onClick={() => check.mutate()}>
          {check.isPending ? null : <RotateCw aria-hidden />}
          {t("connections.check")}
        </Button>
        <p className="text-soft">{t("connections.check_hint")}</p>
      </div>
      <FormFailure error={check.error} />
      {check.data === undefined ? null : (
        <ul role="status" className="divide-y rounded-xl border">
          {check.data.checks.map(({ name, ok, detail }) => (
            <li key={name} className="flex items-start gap-3 px-4 py-3">
              {ok ? (
                <CircleCheck aria-hidden className="mt-0.5 size-4.5 shrink-0 text-ok" />
              ) : (
                <CircleX aria-hidden className="mt-0.5 size-4.5 shrink-0 text-bad" />
              )}
              <div className="min-w-0">
                <p className="font-medium">
                  {name} <span className="sr-only">{ok ? t("connections.check_passed") : t("connections.check_failed")}</span>
                </p>
                <p className="break-words text-soft">{detail}</p>
              </div>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
