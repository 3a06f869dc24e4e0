import { FlaskConical, RotateCcw } from "lucide-react";
import { useRef, useState } from "react";
import { api, take } from "@/api/client";
import type { Agent } from "@/api/queries/agents";
import { authorizedFetch } from "@/api/session";
import { t } from "@/i18n/translate";
import { useProjectPath } from "@/lib/scope";
import { Failure } from "@/components/states";
import { Composer } from "@/components/thread/composer";
import { Messages, type Unsent } from "@/components/thread/messages";
import { EMPTY_THREAD, type Thread } from "@/components/thread/model";
import { useOutbox } from "@/components/thread/outbox";
import { RunLink } from "@/components/thread/run-link";
import { Scroller } from "@/components/thread/scroller";
import { useThread } from "@/components/thread/use-thread";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";

interface TryChatProps {
  agent: Agent;
  mayWrite: boolean;
  /** Saves the draft, so that what answers is what is on the screen; false: it could not. */
  beforeSend: () => Promise<boolean>;
}

/** A conversation with the draft, beside its form. */
export function TryChat(props: TryChatProps) {
  const [round, setRound] = useState(0);
  return (
    <Card className="flex h-[34rem] flex-col overflow-hidden xl:sticky xl:top-6 xl:h-[calc(100dvh-10.5rem)]">
      <div className="flex items-center gap-3 border-b px-5 py-3">
        <h2 className="text-[1.07rem] font-semibold">{t("agents.try")}</h2>
        <Badge tone="brand">{t("agents.try_draft")}</Badge>
        <Button look="quiet" size="icon" className="ms-auto" aria-label={t("agents.try_again")} onClick={() => setRound(round + 1)}>
          <RotateCcw aria-hidden />
        </Button>
      </div>
      <Talk key={round} {...props} />
    </Card>
  );
}

function Talk({ agent, mayWrite, beforeSend }: TryChatProps) {
  const path = useProjectPath();
  const [conversation, setConversation] = useState<string | null>(null);
  // The outbox outlives renders: it reads the conversation of the moment it sends.
  const current = useRef<string | null>(null);
  const outbox = useOutbox({
    storageKey: null,
    send: async (id, text) => {
      const receipt = await take(
        api.POST("/api/organisations/{organisation}/projects/{project}/agents/{agent}/try", {
          params: { path: { ...path, agent: agent.id } },
          body: { id, text, conversation: current.current ?? undefined },
        }),
      );
      current.current = receipt.conversation;
      setConversation(receipt.conversation);
      return receipt;
    },
  });
  const say = async (text: string) => {
    if (await beforeSend()) outbox.add(text);
  };
  return (
    <>
      {conversation === null ? (
        <Shown agent={agent} thread={EMPTY_THREAD} unsent={outbox.unsentIn(EMPTY_THREAD)} />
      ) : (
        <Live agent={agent} conversation={conversation} unsentIn={outbox.unsentIn} />
      )}
      <div className="border-t p-3">
        <Composer label={t("agents.try_write", { name: agent.name })} disabled={!mayWrite} onSend={(text) => void say(text)} />
      </div>
    </>
  );
}

interface LiveProps {
  agent: Agent;
  conversation: string;
  unsentIn: (thread: Thread) => Unsent[];
}

function Live({ agent, conversation, unsentIn }: LiveProps) {
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
  if (live.state === "failed") {
    return (
      <div className="grow p-4">
        <Failure error={live.error} onRetry={live.retry} />
      </div>
    );
  }
  return <Shown agent={agent} thread={live.thread} unsent={unsentIn(live.thread)} conversation={conversation} />;
}

interface ShownProps {
  agent: Agent;
  thread: Thread;
  unsent: Unsent[];
  conversation?: string;
}

function Shown({ agent, thread, unsent, conversation }: ShownProps) {
  if (thread.messages.length === 0 && unsent.length === 0) {
    return (
      <div className="grid grow content-center justify-items-center gap-2 p-8 text-center text-soft">
        <FlaskConical aria-hidden className="mb-1 size-6 text-brand" />
        <p className="max-w-xs">{t("agents.try_empty", { name: agent.name })}</p>
      </div>
    );
  }
  return (
    <Scroller label={t("thread.messages")} className="grow p-4">
      <Messages
        thread={thread}
        unsent={unsent}
        agentName={agent.name}
        own="inbound"
        footer={(message) => (conversation === undefined ? null : <RunLink message={message} conversation={conversation} />)}
      />
    </Scroller>
  );
}
