import { t } from "@/i18n/translate";
import { Badge, type Tone } from "@/components/ui/badge";
import { OUTCOMES, type Outcome } from "@/features/spend/queries";

const TONES: Record<Outcome, Tone> = { answered: "ok", failed: "bad", refused: "warn", aborted: "neutral" };

export function OutcomeBadge({ outcome, cached }: { outcome: string; cached: boolean }) {
  const known = OUTCOMES.find((name) => name === outcome);
  return (
    <span className="inline-flex flex-wrap gap-1.5">
      <Badge tone={known === undefined ? "neutral" : TONES[known]}>{known === undefined ? outcome : t(`calls.outcome_${known}`)}</Badge>
      {cached ? <Badge tone="brand">{t("calls.cached")}</Badge> : null}
    </span>
  );
}
