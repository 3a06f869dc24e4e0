import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { Bot, ChevronDown, Plug, Plus } from "lucide-react";
import { useState } from "react";
import { agentsQuery, type Agent } from "@/api/queries/agents";
import { connectionsQuery, type Connection } from "@/api/queries/connections";
import { t } from "@/i18n/translate";
import { cn } from "@/lib/cn";
import { useDenial, useProjectParams, useProjectPath } from "@/lib/scope";
import { ChannelIcon, channelName } from "@/components/channel";
import { Loaded } from "@/components/loaded";
import { Page } from "@/components/page";
import { Empty } from "@/components/states";
import { TimeAgo } from "@/components/time-ago";
import { Button, buttonClass } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Menu, MenuItem } from "@/components/ui/menu";
import { adviceFor, ConnectionState, toneOf } from "@/features/connections/connection-state";
import { CreateChatPage } from "@/features/connections/create-chat-page";

export function ConnectionsPage() {
  const path = useProjectPath();
  const params = useProjectParams();
  const connections = useQuery(connectionsQuery(path));
  const agents = useQuery(agentsQuery(path));
  const [creatingWeb, setCreatingWeb] = useState(false);
  const noAgents = agents.data?.length === 0;
  return (
    <Page
      title={t("connections.title")}
      description={t("connections.description")}
      actions={noAgents ? undefined : <Add onWeb={() => setCreatingWeb(true)} />}
    >
      {noAgents ? (
        <Card>
          <Empty
            icon={Bot}
            title={t("connections.need_agent")}
            action={
              <Link to="/o/$organisation/p/$project/agents" params={params} className={buttonClass("primary")}>
                {t("agents.title")}
              </Link>
            }
          >
            {t("connections.need_agent_hint")}
          </Empty>
        </Card>
      ) : (
        <Loaded query={connections}>
          {(items) =>
            items.length === 0 ? (
              <Card>
                <Empty icon={Plug} title={t("connections.empty")}>
                  {t("connections.empty_hint")}
                </Empty>
              </Card>
            ) : (
              <ul className="grid grid-cols-1 gap-4">
                {items.map((connection) => (
                  <Row key={connection.id} connection={connection} agent={agents.data?.find(({ id }) => id === connection.agent_id)} />
                ))}
              </ul>
            )
          }
        </Loaded>
      )}
      {creatingWeb ? <CreateChatPage agents={agents.data ?? []} onClose={() => setCreatingWeb(false)} /> : null}
    </Page>
  );
}

function Add({ onWeb }: { onWeb: () => void }) {
  const params = useProjectParams();
  const navigate = useNavigate();
  const denial = useDenial("connections");
  const mayWrite = denial === undefined;
  return (
    <Menu
      align="end"
      trigger={
        <Button look="primary" disabled={!mayWrite} title={denial}>
          <Plus aria-hidden />
          {t("connections.add")}
          <ChevronDown aria-hidden />
        </Button>
      }
    >
      <MenuItem onSelect={() => void navigate({ to: "/o/$organisation/p/$project/connections/new/slack", params })}>
        <ChannelIcon channel="slack" />
        {t("connections.add_slack")}
      </MenuItem>
      <MenuItem onSelect={onWeb}>
        <ChannelIcon channel="web" />
        {t("connections.add_web")}
      </MenuItem>
    </Menu>
  );
}

function Row({ connection, agent }: { connection: Connection; agent: Agent | undefined }) {
  const params = useProjectParams();
  const advice = adviceFor(connection);
  const unpublished = agent !== undefined && typeof agent.published_version !== "number";
  return (
    <li className="relative rounded-2xl border bg-surface p-5 shadow-card transition-colors hover:border-line-strong">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <span className="grid size-11 shrink-0 place-items-center rounded-2xl bg-brand-wash text-brand-strong">
          <ChannelIcon channel={connection.channel} className="size-5" />
        </span>
        <div className="min-w-40 grow">
          <Link
            to="/o/$organisation/p/$project/connections/$connection"
            params={{ ...params, connection: connection.id }}
            className="text-[1.07rem] font-semibold after:absolute after:inset-0 after:rounded-2xl"
          >
            {connection.name}
          </Link>
          <p className="text-soft">{[channelName(connection.channel), agent?.name].filter(Boolean).join(" → ")}</p>
        </div>
        <div className="grid justify-items-end gap-1">
          <ConnectionState state={connection.status.state} />
          {typeof connection.status.last_event_at === "string" ? (
            <p className="text-[0.9rem] text-soft">
              {t("connections.last_event")} <TimeAgo at={connection.status.last_event_at} />
            </p>
          ) : null}
        </div>
      </div>
      {advice === null ? null : (
        <p className={cn("mt-3 max-w-3xl", { bad: "text-bad", warn: "text-warn", plain: "text-soft" }[toneOf(connection)])}>{advice}</p>
      )}
      {unpublished ? <p className="mt-3 max-w-3xl text-warn">{t("connections.unpublished", { name: agent.name })}</p> : null}
    </li>
  );
}
