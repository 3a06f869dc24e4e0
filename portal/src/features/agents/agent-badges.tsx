import type { Agent } from "@/api/queries/agents";
import { t } from "@/i18n/translate";
import { Badge } from "@/components/ui/badge";

export function AgentBadges({ agent }: { agent: Agent }) {
  const { published_version: version } = agent;
  return (
    <>
      {version === null || version === undefined ? (
        <Badge tone="warn">{t("agents.never_published")}</Badge>
      ) : (
        <Badge tone="ok">{t("agents.published", { version })}</Badge>
      )}
      {agent.changed && typeof version === "number" ? <Badge tone="brand">{t("agents.changed")}</Badge> : null}
    </>
  );
}
