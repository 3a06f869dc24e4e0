import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { CircleCheck, CircleX, MessagesSquare } from "lucide-react";
import { connectionsQuery } from "@/api/queries/connections";
import { conversationsQuery, deadLettersQuery } from "@/api/queries/conversations";
import { t } from "@/i18n/translate";
import { useOrganisation, useProject, useProjectParams, useProjectPath } from "@/lib/scope";
import { ConversationList } from "@/components/conversation-list";
import { Loaded } from "@/components/loaded";
import { Page } from "@/components/page";
import { Paged } from "@/components/paged";
import { Empty } from "@/components/states";
import { CardSection } from "@/components/ui/card";
import { GettingStarted } from "@/features/home/getting-started";

const RECENT = 6;

export function HomePage() {
  const organisation = useOrganisation();
  const project = useProject();
  return (
    <Page title={t("home.title")} heading={organisation.display_name} description={project.name}>
      <div className="grid items-start gap-6 lg:grid-cols-[minmax(0,1fr)_22rem]">
        <div className="grid grid-cols-1 gap-6">
          <GettingStarted />
          <Recent />
        </div>
        <div className="grid grid-cols-1 gap-6">
          <Connections />
          <DeadLetters />
        </div>
      </div>
    </Page>
  );
}

function Recent() {
  const params = useProjectParams();
  const conversations = useInfiniteQuery(conversationsQuery(useProjectPath(), { limit: RECENT }));
  return (
    <CardSection
      title={t("home.recent")}
      action={
        <Link to="/o/$organisation/p/$project/conversations" params={params} className="rounded text-brand hover:underline">
          {t("home.recent_all")}
        </Link>
      }
    >
      <Paged
        query={{ ...conversations, hasNextPage: false }}
        empty={
          <Empty icon={MessagesSquare} title={t("conversations.empty")}>
            {t("home.recent_empty")}
          </Empty>
        }
      >
        {(items) => (
          <div className="-mx-5 -mb-5 overflow-hidden rounded-b-2xl border-t sm:-mx-6 sm:-mb-6">
            <ConversationList conversations={items.slice(0, RECENT)} />
          </div>
        )}
      </Paged>
    </CardSection>
  );
}

function Connections() {
  const params = useProjectParams();
  const connections = useQuery(connectionsQuery(useProjectPath()));
  return (
    <CardSection title={t("home.connections")}>
      <Loaded query={connections} rows={1}>
        {(items) => {
          const problems = items.filter(({ status }) => status.state === "problem");
          if (items.length === 0) return <p className="text-soft">{t("home.connections_empty")}</p>;
          if (problems.length === 0) return <Fine text={t("home.connections_ok", { count: items.length })} />;
          return (
            <div className="grid grid-cols-1 gap-3">
              <Trouble text={t("home.connections_problem", { count: problems.length })} />
              <ul className="grid gap-2">
                {problems.map((connection) => (
                  <li key={connection.id}>
                    <Link
                      to="/o/$organisation/p/$project/connections/$connection"
                      params={{ ...params, connection: connection.id }}
                      className="rounded text-brand hover:underline"
                    >
                      {connection.name}
                    </Link>
                    <p className="text-[0.93rem] text-soft">{connection.status.problem}</p>
                  </li>
                ))}
              </ul>
            </div>
          );
        }}
      </Loaded>
    </CardSection>
  );
}

function DeadLetters() {
  const params = useProjectParams();
  const letters = useInfiniteQuery(deadLettersQuery(useProjectPath()));
  return (
    <CardSection title={t("home.letters")}>
      <Paged query={{ ...letters, hasNextPage: false }} empty={<Fine text={t("home.dead_letters_none")} />}>
        {(items) => (
          <Link to="/o/$organisation/p/$project/dead-letters" params={params} className="block rounded hover:underline">
            <Trouble text={t("home.dead_letters", { count: items.length })} />
          </Link>
        )}
      </Paged>
    </CardSection>
  );
}

function Fine({ text }: { text: string }) {
  return (
    <p className="flex items-center gap-2.5">
      <CircleCheck aria-hidden className="size-4.5 text-ok" />
      {text}
    </p>
  );
}

function Trouble({ text }: { text: string }) {
  return (
    <p className="flex items-center gap-2.5 font-medium">
      <CircleX aria-hidden className="size-4.5 text-bad" />
      {text}
    </p>
  );
}
