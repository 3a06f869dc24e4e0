import { Check } from "lucide-react";
import { t } from "@/i18n/translate";
import { cn } from "@/lib/cn";
import { Empty } from "@/components/states";
import { Card, CardSection } from "@/components/ui/card";
import type { FieldChange } from "@/features/agents/diff";

const LOOK = { same: "text-soft", added: "bg-ok-wash", removed: "bg-bad-wash line-through decoration-bad/60" };
const SIGN = { same: " ", added: "+", removed: "−" };

/** What publishing would change. */
export function Changes({ changes, first }: { changes: FieldChange[]; first: boolean }) {
  if (changes.length === 0) {
    return (
      <Card>
        <Empty icon={Check} title={t("agents.no_changes")}>
          {t("agents.no_changes_hint")}
        </Empty>
      </Card>
    );
  }
  return (
    <CardSection title={t("agents.changes")} description={first ? t("agents.changes_first") : t("agents.changes_hint")}>
      <ChangeList changes={changes} />
    </CardSection>
  );
}

export function ChangeList({ changes }: { changes: FieldChange[] }) {
  return (
    <dl className="grid grid-cols-1 gap-5">
      {changes.map(({ label, lines }) => (
        <div key={label}>
          <dt className="mb-1 font-medium">{label}</dt>
          <dd className="overflow-hidden rounded-lg border">
            {lines.map((line, index) => (
              <div key={index} className={cn("flex gap-3 px-3 py-1", LOOK[line.kind])}>
                <span aria-hidden className="w-3 shrink-0 font-mono">
                  {SIGN[line.kind]}
                </span>
                {line.kind === "same" ? null : (
                  <span className="sr-only">{line.kind === "added" ? t("agents.line_added") : t("agents.line_removed")}</span>
                )}
                <span dir="auto" className="min-w-0 break-words whitespace-pre-wrap">
                  {line.text}
                </span>
              </div>
            ))}
          </dd>
        </div>
      ))}
    </dl>
  );
}
