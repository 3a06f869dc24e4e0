import { TriangleAlert } from "lucide-react";
import { t } from "@/i18n/translate";

/** Never silent: what the log of calls lacks is said where they are summed up and where they are listed. */
export function Unlogged({ calls }: { calls: number }) {
  if (calls === 0) return null;
  return (
    <p role="status" className="mb-6 flex items-start gap-2.5 rounded-xl bg-warn-wash px-4 py-3 text-warn">
      <TriangleAlert aria-hidden className="mt-0.5 size-4.5 shrink-0" />
      {t("spend.unlogged", { count: calls })}
    </p>
  );
}
