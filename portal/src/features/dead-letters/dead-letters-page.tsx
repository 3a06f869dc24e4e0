import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { MailCheck, RotateCw } from "lucide-react";
import { useState } from "react";
import { api, done } from "@/api/client";
import { describe } from "@/api/errors";
import { deadLettersQuery, type DeadLetter } from "@/api/queries/conversations";
import { t } from "@/i18n/translate";
import { useCan, useProjectParams, useProjectPath } from "@/lib/scope";
import { Confirm } from "@/components/confirm";
import { Page } from "@/components/page";
import { Paged } from "@/components/paged";
import { Empty } from "@/components/states";
import { TimeAgo } from "@/components/time-ago";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { notify } from "@/components/ui/toast";

const LETTER = "/api/organisations/{organisation}/projects/{project}/dead-letters/{letter}";

export function DeadLettersPage() {
  const letters = useInfiniteQuery(deadLettersQuery(useProjectPath()));
  const [dismissing, setDismissing] = useState<DeadLetter | null>(null);
  return (
    <Page title={t("letters.title")} description={t("letters.description")}>
      <Paged
        query={letters}
        empty={
          <Card>
            <Empty icon={MailCheck} title={t("letters.empty")}>
              {t("letters.empty_hint")}
            </Empty>
          </Card>
        }
      >
        {(items) => (
          <ul className="grid grid-cols-1 gap-4">
            {items.map((letter) => (
              <Letter key={letter.id} letter={letter} onDismiss={() => setDismissing(letter)} />
            ))}
          </ul>
        )}
      </Paged>
      {dismissing === null ? null : <Dismiss letter={dismissing} onClose={() => setDismissing(null)} />}
    </Page>
  );
}

function Letter({ letter, onDismiss }: { letter: DeadLetter; onDismiss: () => void }) {
  const path = useProjectPath();
  const params = useProjectParams();
  const client = useQueryClient();
  const mayWrite = useCan("inbox");
  const replayed = typeof letter.replayed_at === "string";
  const replay = useMutation({
    mutationFn: () => done(api.POST(`${LETTER}/replay`, { params: { path: { ...path, letter: letter.id } } })),
    onSuccess: () => {
      notify("done", t("letters.replayed"));
      return client.invalidateQueries({ queryKey: ["dead-letters"] });
    },
    onError: (error) => notify("failed", describe(error)),
  });
  return (
    <li>
      <Card className="grid gap-3 p-5">
        <div className="flex flex-wrap items-start justify-between gap-3">
          <div className="min-w-0">
            <p className="flex flex-wrap items-center gap-2 font-semibold">
              {letter.source === "run" ? t("letters.run") : t("letters.reply")}
              {replayed ? (
                <Badge tone="ok">
                  {t("letters.replayed_at")} <TimeAgo at={letter.replayed_at ?? letter.at} />
                </Badge>
              ) : null}
            </p>
            <p className="text-[0.93rem] text-soft">
              <TimeAgo at={letter.at} /> {`· ${t("letters.attempts", { count: letter.attempts })} · `}
              <Link
                to="/o/$organisation/p/$project/conversations/$conversation"
                params={{ ...params, conversation: letter.conversation }}
                search={{ run: letter.run_id ?? undefined }}
                className="rounded text-brand hover:underline"
              >
                {t("letters.open")}
              </Link>
            </p>
          </div>
          <div className="flex gap-2">
            <Button size="small" disabled={!mayWrite || replayed} busy={replay.isPending} onClick={() => replay.mutate()}>
              {replay.isPending ? null : <RotateCw aria-hidden />}
              {t("letters.replay")}
            </Button>
            <Button size="small" look="danger" disabled={!mayWrite} onClick={onDismiss}>
              {t("action.dismiss")}
            </Button>
          </div>
        </div>
        <p className="rounded-lg bg-bad-wash px-3 py-2 break-words">{letter.reason}</p>
      </Card>
    </li>
  );
}

function Dismiss({ letter, onClose }: { letter: DeadLetter; onClose: () => void }) {
  const path = useProjectPath();
  const client = useQueryClient();
  const dismiss = useMutation({
    mutationFn: () => done(api.DELETE(LETTER, { params: { path: { ...path, letter: letter.id } } })),
    onSuccess: () => {
      notify("done", t("letters.dismissed"));
      onClose();
      return client.invalidateQueries({ queryKey: ["dead-letters"] });
    },
  });
  return (
    <Confirm
      title={t("letters.dismiss_title")}
      description={t("letters.dismiss_hint")}
      action={t("action.dismiss")}
      mutation={{ mutate: () => dismiss.mutate(), isPending: dismiss.isPending, error: dismiss.error }}
      onClose={onClose}
    />
  );
}
