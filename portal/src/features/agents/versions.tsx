import { useQuery, useQueryClient } from "@tanstack/react-query";
import { History } from "lucide-react";
import { useState } from "react";
import { agentQuery, type Agent } from "@/api/queries/agents";
import { t } from "@/i18n/translate";
import { useProjectPath } from "@/lib/scope";
import { ActorName } from "@/components/actor-name";
import { Confirm } from "@/components/confirm";
import { Loaded } from "@/components/loaded";
import { Empty } from "@/components/states";
import { TimeAgo } from "@/components/time-ago";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { notify } from "@/components/ui/toast";
import { ChangeList } from "@/features/agents/changes";
import { changesBetween } from "@/features/agents/diff";
import { useRollBack, versionsQuery, type AgentVersion } from "@/features/agents/queries";

interface VersionsProps {
  agent: Agent;
  mayWrite: boolean;
  onRolledBack: (agent: Agent) => void;
}

export function Versions({ agent, mayWrite, onRolledBack }: VersionsProps) {
  const path = useProjectPath();
  const client = useQueryClient();
  const versions = useQuery(versionsQuery(path, agent.id));
  const [chosen, setChosen] = useState<AgentVersion | null>(null);
  const rollBack = useRollBack(agent.id);
  const mutate = (version: number) =>
    rollBack.mutate(version, {
      onSuccess: async (made) => {
        setChosen(null);
        notify("done", t("agents.published_done", { version: made.version }));
        onRolledBack(await client.fetchQuery({ ...agentQuery(path, agent.id), staleTime: 0 }));
      },
    });
  return (
    <Loaded query={versions}>
      {(items) =>
        items.length === 0 ? (
          <Card>
            <Empty icon={History} title={t("agents.no_versions")}>
              {t("agents.no_versions_hint")}
            </Empty>
          </Card>
        ) : (
          <Card>
            <ol className="divide-y px-5">
              {newestFirst(items).map((version, index, all) => (
                <li key={version.version} className="py-4">
                  <div className="flex flex-wrap items-center gap-3">
                    <div className="grow">
                      <p className="flex items-center gap-2 font-semibold">
                        {t("agents.version", { version: version.version })}
                        {version.version === agent.published_version ? <Badge tone="ok">{t("agents.current")}</Badge> : null}
                      </p>
                      <p className="text-soft">
                        <TimeAgo at={version.published_at} /> {"· "}
                        <ActorName actor={version.published_by} />
                      </p>
                    </div>
                    {version.version === agent.published_version ? null : (
                      <Button size="small" disabled={!mayWrite} onClick={() => setChosen(version)}>
                        {t("agents.roll_back")}
                      </Button>
                    )}
                  </div>
                  <Differences version={version} before={all[index + 1]} />
                </li>
              ))}
            </ol>
            {chosen === null ? null : (
              <Confirm
                title={t("agents.roll_back_title", { version: chosen.version })}
                description={t("agents.roll_back_hint")}
                action={t("agents.roll_back")}
                look="primary"
                mutation={{ mutate: () => mutate(chosen.version), isPending: rollBack.isPending, error: rollBack.error }}
                onClose={() => setChosen(null)}
              />
            )}
          </Card>
        )
      }
    </Loaded>
  );
}

function Differences({ version, before }: { version: AgentVersion; before: AgentVersion | undefined }) {
  if (before === undefined) return null;
  const changes = changesBetween(before.config, version.config);
  if (changes.length === 0) return <p className="mt-2 text-[0.93rem] text-soft">{t("agents.version_same", { version: before.version })}</p>;
  return (
    <details className="mt-2">
      <summary className="w-fit rounded text-[0.93rem] text-soft hover:text-ink">
        {t("agents.version_changes", { count: changes.length, version: before.version })}
      </summary>
      <div className="mt-3">
        <ChangeList changes={changes} />
      </div>
    </details>
  );
}

function newestFirst(versions: AgentVersion[]): AgentVersion[] {
  return [...versions].sort((a, b) => b.version - a.version);
}
