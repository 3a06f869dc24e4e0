import { useQuery } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { MessageCircleOff, WifiOff } from "lucide-react";
import { useState, useSyncExternalStore } from "react";
import { api, take, type Schemas } from "@/api/client";
import { describe, isStatus } from "@/api/errors";
import { plainFetch } from "@/api/session";
import { t } from "@/i18n/translate";
import { AgentFace } from "@/components/agent-face";
import { Empty, Failure, Loading } from "@/components/states";
import { Composer } from "@/components/thread/composer";
import { Messages } from "@/components/thread/messages";
import { useOutbox } from "@/components/thread/outbox";
import { Scroller } from "@/components/thread/scroller";
import { useThread } from "@/components/thread/use-thread";
import { Button } from "@/components/ui/button";
import { notify } from "@/components/ui/toast";
import { Visitor } from "@/features/chat/visitor";

type WebChat = Schemas["WebChat"];

/** The hosted chat page: public, for people who never see the portal. */
export function ChatPage() {
  const { connection } = useParams({ from: "/chat/$connection" });
  const about = useQuery({
    queryKey: ["web-chat", connection],
    queryFn: () => take(api.GET("/channels/web/{connection}", { params: { path: { connection } }, fetch: plainFetch })),
    staleTime: Infinity,
  });
  if (about.data !== undefined) return <Chat key={connection} connection={connection} about={about.data} />;
  return (
    <main className="mx-auto grid min-h-dvh max-w-2xl content-center p-6">
      {about.isError && (isStatus(about.error, 404) || isStatus(about.error, 400)) ? (
        <Empty icon={MessageCircleOff} title={t("chat.gone")}>
          {t("chat.gone_hint")}
        </Empty>
      ) : about.isError ? (
        <Failure error={about.error} onRetry={() => void about.refetch()} />
      ) : (
        <Loading rows={3} />
      )}
    </main>
  );
}

function Chat({ connection, about }: { connection: string; about: WebChat }) {
  const [visitor] = useState(() => new Visitor(connection));
  const online = useSyncExternalStore(onLink, () => navigator.onLine);
  const path = { connection };
  const live = useThread({
    key: ["web", connection],
    eventsUrl: `/channels/web/${encodeURIComponent(connection)}/events`,
    fetch: visitor.fetch,
    read: (before) => take(api.GET("/channels/web/{connection}/messages", { params: { path, query: { before } }, fetch: visitor.fetch })),
  });
  const outbox = useOutbox({
    storageKey: `konstruct.unsent.${connection}`,
    send: (id, text) =>
      take(api.POST("/channels/web/{connection}/messages", { params: { path }, body: { id, text }, fetch: visitor.fetch })),
  });
  const { agent } = about;
  const title = about.title === "" ? agent.name : about.title;
  const unsent = outbox.unsentIn(live.thread);
  const empty = live.thread.messages.length === 0 && unsent.length === 0;
  return (
    <div className="mx-auto flex h-dvh max-w-3xl flex-col">
      <title>{title}</title>
      <header className="flex items-center gap-3.5 border-b px-4 py-3.5 sm:px-6">
        <AgentFace name={agent.name} icon={agent.icon} />
        <div className="min-w-0">
          <h1 className="truncate text-[1.07rem] font-semibold">{title}</h1>
          <p className="text-[0.93rem] text-soft">
            {[title === agent.name ? null : agent.name, agent.role, t("chat.ai")].filter(Boolean).join(" · ")}
          </p>
        </div>
      </header>
      <main className="flex min-h-0 grow flex-col">
        <Scroller label={t("thread.messages")} className="grow px-4 py-6 sm:px-6">
          {live.older === null ? null : (
            <div className="mb-5 text-center">
              <Button size="small" onClick={() => void live.older?.().catch((error: unknown) => notify("failed", describe(error)))}>
                {t("chat.older")}
              </Button>
            </div>
          )}
          {live.state === "failed" && online ? <Failure error={live.error} onRetry={live.retry} /> : null}
          {empty && live.state !== "loading" ? <Greeting about={about} /> : null}
          <Messages thread={live.thread} unsent={unsent} agentName={agent.name} own="inbound" />
        </Scroller>
        <div className="px-4 pt-1 pb-4 sm:px-6">
          <p role="status" className="flex min-h-6 items-center gap-2 pb-1 text-[0.9rem] text-soft">
            {online ? null : <WifiOff aria-hidden className="size-4" />}
            {online ? (live.link === "broken" ? t("chat.reconnecting") : null) : t("chat.offline")}
          </p>
          <Composer label={t("chat.write")} onSend={outbox.add} />
        </div>
      </main>
    </div>
  );
}

function Greeting({ about: { agent } }: { about: WebChat }) {
  return (
    <div className="grid justify-items-center gap-3 px-6 py-12 text-center">
      <AgentFace name={agent.name} icon={agent.icon} size="large" />
      <p dir="auto" className="max-w-md text-[1.1rem] whitespace-pre-wrap">
        {agent.greeting === "" ? t("chat.empty") : agent.greeting}
      </p>
    </div>
  );
}

function onLink(listener: () => void): () => void {
  window.addEventListener("online", listener);
  window.addEventListener("offline", listener);
  return () => {
    window.removeEventListener("online", listener);
    window.removeEventListener("offline", listener);
  };
}
