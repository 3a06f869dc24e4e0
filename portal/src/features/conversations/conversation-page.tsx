import { useMutation, useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { Download } from "lucide-react";
import { api, take } from "@/api/client";
import { describe, problemOf } from "@/api/errors";
import { conversationQuery } from "@/api/queries/conversations";
import { authorizedFetch } from "@/api/session";
import { t } from "@/i18n/translate";
import { useProjectParams, useProjectPath } from "@/lib/scope";
import { channelName } from "@/components/channel";
import { Page } from "@/components/page";
import { Failure, Loading } from "@/components/states";
import { Messages } from "@/components/thread/messages";
import { RunLink } from "@/components/thread/run-link";
import { Scroller } from "@/components/thread/scroller";
import { useThread } from "@/components/thread/use-thread";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { notify } from "@/components/ui/toast";
import { RunPanel } from "@/features/conversations/run-panel";

export function ConversationPage() {
  const { conversation: id } = useParams({ from: "/app/o/$organisation/p/$project/conversations/$conversation" });
  const { run } = useSearch({ from: "/app/o/$organisation/p/$project/conversations/$conversation" });
  const navigate = useNavigate({ from: "/o/$organisation/p/$project/conversations/$conversation" });
  const path = useProjectPath();
  const params = useProjectParams();
  const conversation = useQuery(conversationQuery(path, id));
  const data = conversation.data;
  return (
    <Page
      wide
      title={data === undefined || data.title === "" ? t("conversations.untitled") : data.title}
      description={
        data === undefined
          ? undefined
          : [data.contact?.display_name, data.agent?.name, channelName(data.channel)].filter(Boolean).join(" · ")
      }
      back={{ link: { to: "/o/$organisation/p/$project/conversations", params }, label: t("conversations.back") }}
      actions={data === undefined ? undefined : <Export conversation={id} />}
    >
      {conversation.isError && data === undefined ? (
        <Failure error={conversation.error} onRetry={() => void conversation.refetch()} />
      ) : null}
      <div className="grid items-start gap-6 xl:grid-cols-[minmax(0,1fr)_30rem]">
        <Thread key={id} conversation={id} agentName={data?.agent?.name ?? t("conversations.agent")} />
        {run === undefined ? (
          <p className="hidden rounded-2xl border border-dashed p-6 text-soft xl:block">{t("run.hint")}</p>
        ) : (
          <RunPanel key={run} run={run} onClose={() => void navigate({ search: {}, replace: true })} />
        )}
      </div>
    </Page>
  );
}

function Thread({ conversation, agentName }: { conversation: string; agentName: string }) {
  const path = useProjectPath();
  const live = useThread({
    key: [conversation],
    eventsUrl: `/api/organisations/${path.organisation}/projects/${path.project}/conversations/${conversation}/events`,
    fetch: authorizedFetch,
    read: (before) =>
      take(
        api.GET("/api/organisations/{organisation}/projects/{project}/conversations/{conversation}/messages", {
          params: { path: { ...path, conversation }, query: { before } },
        }),
      ),
  });
  if (live.state === "loading") return <Loading rows={6} />;
  if (live.state === "failed") return <Failure error={live.error} onRetry={live.retry} />;
  return (
    <Card className="flex max-h-[calc(100dvh-10rem)] min-h-80 flex-col overflow-hidden">
      <div className="flex justify-end border-b px-4 py-2">
        {live.link === "live" ? <Badge tone="ok">{t("conversations.live")}</Badge> : <Badge>{t("conversations.reconnecting")}</Badge>}
      </div>
      <Scroller label={t("thread.messages")} className="grow p-4 sm:p-6">
        {live.older === null ? null : (
          <div className="mb-5 text-center">
            <Button size="small" onClick={() => void live.older?.().catch((error: unknown) => notify("failed", describe(error)))}>
              {t("conversations.older")}
            </Button>
          </div>
        )}
        <Messages
          thread={live.thread}
          agentName={agentName}
          own="outbound"
          footer={(message) => <RunLink message={message} conversation={conversation} />}
        />
      </Scroller>
    </Card>
  );
}

/** The download goes through `fetch`, because a plain link could not carry the token. */
function Export({ conversation }: { conversation: string }) {
  const path = useProjectPath();
  const save = useMutation({
    mutationFn: async () => {
      const url = `/api/organisations/${path.organisation}/projects/${path.project}/conversations/${conversation}/export`;
      const response = await authorizedFetch(new Request(new URL(url, window.location.origin)));
      if (!response.ok) throw problemOf(response.status, await response.json().catch(() => null));
      return response.blob();
    },
    onSuccess: (blob) => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = `conversation-${conversation}.jsonl`;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    },
    onError: (error) => notify("failed", describe(error)),
  });
  return (
    <Button busy={save.isPending} onClick={() => save.mutate()}>
      {save.isPending ? null : <Download aria-hidden />}
      {t("conversations.export")}
    </Button>
  );
}
