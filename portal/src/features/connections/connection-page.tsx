import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { CircleX, Ellipsis, ExternalLink, Power, Trash2, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { describe } from "@/api/errors";
import { agentsQuery } from "@/api/queries/agents";
import { connectionQuery, type Connection } from "@/api/queries/connections";
import { t } from "@/i18n/translate";
import { wholeAddress } from "@/lib/address";
import { cn } from "@/lib/cn";
import { useCan, useProjectParams, useProjectPath } from "@/lib/scope";
import { Confirm } from "@/components/confirm";
import { CopyLine } from "@/components/copy";
import { Loaded } from "@/components/loaded";
import { Page } from "@/components/page";
import { TimeAgo } from "@/components/time-ago";
import { Button, buttonClass } from "@/components/ui/button";
import { CardSection } from "@/components/ui/card";
import { Menu, MenuItem } from "@/components/ui/menu";
import { notify } from "@/components/ui/toast";
import { Checks } from "@/features/connections/checks";
import { ConnectionForm } from "@/features/connections/connection-form";
import { adviceFor, ConnectionState, toneOf } from "@/features/connections/connection-state";
import { useChangeConnection, useDeleteConnection } from "@/features/connections/mutations";

export function ConnectionPage() {
  const { connection: id } = useParams({ from: "/app/o/$organisation/p/$project/connections/$connection" });
  const path = useProjectPath();
  const params = useProjectParams();
  const connection = useQuery(connectionQuery(path, id));
  const agents = useQuery(agentsQuery(path));
  const name = connection.data?.name ?? t("connections.one");
  return (
    <Page
      title={name}
      heading={
        <span className="flex flex-wrap items-center gap-3">
          {name}
          {connection.data === undefined ? null : <ConnectionState state={connection.data.status.state} />}
        </span>
      }
      back={{ link: { to: "/o/$organisation/p/$project/connections", params }, label: t("connections.all") }}
      actions={connection.data === undefined ? undefined : <Actions connection={connection.data} />}
    >
      <Loaded query={connection}>
        {(data) => (
          <div className="grid max-w-3xl grid-cols-1 gap-6">
            <Status connection={data} />
            <Addresses connection={data} />
            <CardSection title={t("connections.settings")}>
              <Loaded query={agents} rows={3}>
                {(items) => <ConnectionForm key={data.id} connection={data} agents={items} />}
              </Loaded>
            </CardSection>
          </div>
        )}
      </Loaded>
    </Page>
  );
}

function Status({ connection }: { connection: Connection }) {
  const { status } = connection;
  const advice = adviceFor(connection);
  const tone = toneOf(connection);
  return (
    <CardSection title={t("connections.checks")}>
      <div className="grid grid-cols-1 gap-4">
        {advice === null ? null : (
          <div
            role="status"
            className={cn(
              "flex items-start gap-3 rounded-xl px-4 py-3",
              { bad: "bg-bad-wash", warn: "bg-warn-wash", plain: "bg-sunken" }[tone],
            )}
          >
            {tone === "bad" ? <CircleX aria-hidden className="mt-0.5 size-4.5 shrink-0 text-bad" /> : null}
            {tone === "warn" ? <TriangleAlert aria-hidden className="mt-0.5 size-4.5 shrink-0 text-warn" /> : null}
            <div>
              <p>{advice}</p>
              {status.state === "problem" && typeof status.problem_at === "string" ? (
                <p className="text-soft">
                  {t("connections.problem_since")} <TimeAgo at={status.problem_at} />
                </p>
              ) : null}
            </div>
          </div>
        )}
        <p className="text-soft">
          {typeof status.last_event_at === "string" ? (
            <>
              {t("connections.last_event")} <TimeAgo at={status.last_event_at} />
            </>
          ) : (
            t("connections.never_event")
          )}
        </p>
        <Checks connection={connection.id} />
      </div>
    </CardSection>
  );
}

function Addresses({ connection: { urls } }: { connection: Connection }) {
  if (urls.chat !== undefined) {
    return (
      <CardSection
        title={t("connections.chat_page")}
        description={t("connections.chat_page_hint")}
        action={
          <a href={wholeAddress(urls.chat)} target="_blank" rel="noreferrer" className={buttonClass("plain", "small")}>
            {t("connections.open_chat")}
            <ExternalLink aria-hidden />
          </a>
        }
      >
        <CopyLine label={t("connections.chat_page")} value={wholeAddress(urls.chat)} />
      </CardSection>
    );
  }
  if (urls.events === undefined) return null;
  return (
    <CardSection title={t("connections.events_url")}>
      <CopyLine label={t("connections.events_url")} value={wholeAddress(urls.events)} />
    </CardSection>
  );
}

function Actions({ connection }: { connection: Connection }) {
  const params = useProjectParams();
  const navigate = useNavigate();
  const mayWrite = useCan("connections");
  const [asking, setAsking] = useState(false);
  const change = useChangeConnection(connection.id);
  const remove = useDeleteConnection(connection.id);
  const toggle = () =>
    change.mutate(
      { enabled: !connection.enabled },
      {
        onSuccess: () => notify("done", connection.enabled ? t("connections.disabled_done") : t("connections.enabled_done")),
        onError: (error) => notify("failed", describe(error)),
      },
    );
  const erase = () =>
    remove.mutate(undefined, { onSuccess: () => void navigate({ to: "/o/$organisation/p/$project/connections", params }) });
  return (
    <>
      <Button disabled={!mayWrite} busy={change.isPending} onClick={toggle}>
        <Power aria-hidden />
        {connection.enabled ? t("connections.disable") : t("connections.enable")}
      </Button>
      <Menu
        align="end"
        trigger={
          <Button look="quiet" size="icon" aria-label={t("action.more_for", { name: connection.name })}>
            <Ellipsis aria-hidden />
          </Button>
        }
      >
        <MenuItem disabled={!mayWrite} onSelect={() => setAsking(true)}>
          <Trash2 aria-hidden />
          {t("connections.delete")}
        </MenuItem>
      </Menu>
      {asking ? (
        <Confirm
          title={t("connections.delete_title", { name: connection.name })}
          description={t("connections.delete_hint")}
          action={t("connections.delete")}
          typed={connection.name}
          mutation={{ mutate: erase, isPending: remove.isPending, error: remove.error }}
          onClose={() => setAsking(false)}
        />
      ) : null}
    </>
  );
}
