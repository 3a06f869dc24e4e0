import { t } from "@/i18n/translate";
import { Badge } from "@/components/ui/badge";

export function StatusBadge({ status }: { status: "active" | "suspended" }) {
  return status === "active" ? <Badge tone="ok">{t("status.active")}</Badge> : <Badge tone="warn">{t("status.suspended")}</Badge>;
}
