import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Bot, Plus } from "lucide-react";
import { useState } from "react";
import { agentsQuery, type Agent } from "@/api/queries/agents";
import { t } from "@/i18n/translate";
import { useDenial, useProjectParams, useProjectPath } from "@/lib/scope";
import { AgentFace } from "@/components/agent-face";
import { Loaded } from "@/components/loaded";
import { Page } from "@/components/page";
import { Empty } from "@/components/states";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { AgentBadges } from "@/features/agents/agent-badges";
import { CreateAgent } from "@/features/agents/create-agent";

export function AgentsPage() {
  const agents = useQuery(agentsQuery(useProjectPath()));
  const [creating, setCreating] = useState(false);
  const denial = useDenial("agents");
  const mayWrite = denial === undefined;
  const create = (
    <Button look="primary" disabled={!mayWrite} title={denial} onClick={() => setCreating(true)}>
      <Plus aria-hidden />
      {t("agents.create")}
    </Button>
  );
  return (
    <Page title={t("agents.title")} description={t("agents.description")} actions={create}>
      <Loaded query={agents}>
        {(items) =>
          items.length === 0 ? (
            <Card>
              <Empty icon={Bot} title={t("agents.empty")}>
                {t("agents.empty_hint")}
              </Empty>
            </Card>
          ) : (
            <ul className="grid gap-4 sm:grid-cols-2 xl:grid-cols-3">
              {items.map((agent) => (
                <AgentCard key={agent.id} agent={agent} />
              ))}
            </ul>
          )
        }
      </Loaded>
      {creating ? <CreateAgent onClose={() => setCreating(false)} /> : null}
    </Page>
  );
}

function AgentCard({ agent }: { agent: Agent }) {
  const params = useProjectParams();
  return (
    <li className="relative flex gap-4 rounded-2xl border bg-surface p-5 shadow-card transition-colors hover:border-line-strong">
      <AgentFace name={agent.name} icon={agent.draft.icon} />
      <div className="min-w-0 grow">
        <Link
          to="/o/$organisation/p/$project/agents/$agent"
          params={{ ...params, agent: agent.id }}
          className="text-[1.07rem] font-semibold after:absolute after:inset-0 after:rounded-2xl"
        >
          {agent.name}
        </Link>
        <p className="truncate text-soft">{agent.draft.role === "" ? t("agents.no_role") : agent.draft.role}</p>
        <div className="mt-3 flex flex-wrap gap-1.5">
          <AgentBadges agent={agent} />
        </div>
      </div>
    </li>
  );
}
