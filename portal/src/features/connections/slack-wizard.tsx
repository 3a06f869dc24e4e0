import { zodResolver } from "@hookform/resolvers/zod";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Check, ExternalLink } from "lucide-react";
import { useState, type ReactNode } from "react";
import { useForm } from "react-hook-form";
import { z } from "zod";
import { agentsQuery } from "@/api/queries/agents";
import type { Connection } from "@/api/queries/connections";
import { t } from "@/i18n/translate";
import { wholeAddress } from "@/lib/address";
import { cn } from "@/lib/cn";
import { useCan, useProjectParams, useProjectPath } from "@/lib/scope";
import { CopyBlock, CopyLine } from "@/components/copy";
import { Page } from "@/components/page";
import { FormFailure } from "@/components/states";
import { Button, buttonClass } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { Field } from "@/components/ui/field";
import { Input, Select } from "@/components/ui/input";
import { Checks } from "@/features/connections/checks";
import { BOT_EVENTS, BOT_SCOPES, isReachable, slackManifest } from "@/features/connections/manifest";
import { useConnect } from "@/features/connections/mutations";

const SLACK_APPS = "https://api.slack.com/apps?new_app=1";

/** The way from nothing to an answer in Slack, in the order in which Slack asks for it. */
export function SlackWizard() {
  const params = useProjectParams();
  const [botName, setBotName] = useState("Konstruct");
  const [made, setMade] = useState<Connection | null>(null);
  const eventsUrl = wholeAddress(made?.urls.events ?? "/channels/slack/events");
  return (
    <Page
      title={t("slack.connect")}
      description={t("slack.description")}
      back={{ link: { to: "/o/$organisation/p/$project/connections", params }, label: t("connections.all") }}
    >
      <ol className="grid max-w-3xl grid-cols-1 gap-6">
        <Step number={1} title={t("slack.step_app")} done={made !== null}>
          <CreateApp botName={botName} onBotName={setBotName} eventsUrl={eventsUrl} />
        </Step>
        <Step number={2} title={t("slack.step_values")} done={made !== null}>
          {made === null ? <Values onMade={setMade} /> : <p className="text-ok">{t("slack.connected")}</p>}
        </Step>
        <Step number={3} title={t("slack.step_finish")} done={false}>
          {made === null ? null : <Finish connection={made} botName={botName} />}
        </Step>
      </ol>
    </Page>
  );
}

function Step({ number, title, done, children }: { number: number; title: string; done: boolean; children: ReactNode }) {
  return (
    <Card className="p-5 sm:p-6">
      <li className="list-none">
        <h2 className="flex items-center gap-3 text-[1.07rem] font-semibold">
          <span
            className={cn(
              "grid size-7 place-items-center rounded-full text-[0.9rem] tabular-nums",
              done ? "bg-ok-wash text-ok" : "bg-brand-wash text-brand-strong",
            )}
          >
            {done ? <Check aria-hidden className="size-4" /> : number}
          </span>
          {title}
        </h2>
        {children === null ? null : <div className="mt-4 grid gap-4 sm:ps-10">{children}</div>}
      </li>
    </Card>
  );
}

function CreateApp({ botName, onBotName, eventsUrl }: { botName: string; onBotName: (name: string) => void; eventsUrl: string }) {
  return (
    <>
      {isReachable(eventsUrl) ? null : (
        <p role="note" className="rounded-lg bg-warn-wash px-3 py-2 text-warn">
          {t("slack.public_hint", { host: new URL(eventsUrl).host })}
        </p>
      )}
      <Field label={t("slack.bot_name")} hint={t("slack.bot_name_hint")}>
        {(control) => (
          <Input
            {...control}
            className="max-w-xs"
            maxLength={35}
            autoComplete="off"
            value={botName}
            onChange={(event) => onBotName(event.target.value)}
          />
        )}
      </Field>
      <ol className="grid list-decimal gap-1.5 ps-5 marker:text-soft">
        <li>{t("slack.step_app_1")}</li>
        <li>{t("slack.step_app_2")}</li>
        <li>{t("slack.step_app_3")}</li>
        <li>{t("slack.step_app_4")}</li>
      </ol>
      <div>
        <a href={SLACK_APPS} target="_blank" rel="noreferrer" className={buttonClass("plain", "small")}>
          {t("slack.step_app")}
          <ExternalLink aria-hidden />
        </a>
      </div>
      <CopyBlock label={t("slack.manifest")} value={slackManifest(botName, eventsUrl)} />
      <p className="text-soft">{t("slack.manifest_hint")}</p>
      <CopyLine label={t("connections.events_url")} value={eventsUrl} />
      <div className="grid gap-4 sm:grid-cols-2">
        <Codes title={t("slack.scopes")} codes={BOT_SCOPES} />
        <Codes title={t("slack.events")} codes={BOT_EVENTS} />
      </div>
    </>
  );
}

function Codes({ title, codes }: { title: string; codes: readonly string[] }) {
  return (
    <div>
      <p className="font-medium">{title}</p>
      <ul className="mt-1.5 flex flex-wrap gap-1.5">
        {codes.map((code) => (
          <li key={code}>
            <code className="rounded-md bg-sunken px-2 py-0.5 font-mono text-[0.84rem]">{code}</code>
          </li>
        ))}
      </ul>
    </div>
  );
}

const schema = z.object({
  name: z.string().trim().min(1, t("error.required")).max(100),
  agent_id: z.string().min(1, t("error.required")),
  app_id: z
    .string()
    .trim()
    .regex(/^A[A-Z0-9]+$/, t("slack.app_id_invalid")),
  external_id: z
    .string()
    .trim()
    .regex(/^[TE][A-Z0-9]+$/, t("connections.workspace_id_invalid")),
  signing_secret: z.string().trim().min(1, t("error.required")),
  bot_token: z
    .string()
    .trim()
    .regex(/^xoxb-/, t("connections.bot_token_invalid")),
});

function Values({ onMade }: { onMade: (connection: Connection) => void }) {
  const agents = useQuery(agentsQuery(useProjectPath())).data ?? [];
  const mayWrite = useCan("connections");
  const connect = useConnect();
  const form = useForm({
    resolver: zodResolver(schema),
    defaultValues: { name: t("channel.slack"), agent_id: "", app_id: "", external_id: "", signing_secret: "", bot_token: "" },
  });
  const { errors } = form.formState;
  const submit = form.handleSubmit(({ signing_secret, bot_token, ...rest }) =>
    connect.mutate({ ...rest, channel: "slack", secrets: { signing_secret, bot_token } }, { onSuccess: onMade }),
  );
  return (
    <form className="grid gap-4 sm:grid-cols-2" noValidate onSubmit={(event) => void submit(event)}>
      <Field label={t("connections.app_id")} hint={t("slack.app_id_hint")} error={errors.app_id?.message}>
        {(control) => <Input {...control} autoComplete="off" spellCheck={false} {...form.register("app_id")} />}
      </Field>
      <Field label={t("connections.workspace_id")} hint={t("connections.workspace_id_hint")} error={errors.external_id?.message}>
        {(control) => <Input {...control} autoComplete="off" spellCheck={false} {...form.register("external_id")} />}
      </Field>
      <Field label={t("connections.signing_secret")} hint={t("slack.signing_secret_where")} error={errors.signing_secret?.message}>
        {(control) => <Input {...control} type="password" autoComplete="off" {...form.register("signing_secret")} />}
      </Field>
      <Field label={t("connections.bot_token")} hint={t("slack.bot_token_where")} error={errors.bot_token?.message}>
        {(control) => <Input {...control} type="password" autoComplete="off" {...form.register("bot_token")} />}
      </Field>
      <Field label={t("connections.name")} error={errors.name?.message}>
        {(control) => <Input {...control} autoComplete="off" {...form.register("name")} />}
      </Field>
      <Field label={t("connections.agent")} error={errors.agent_id?.message}>
        {(control) => (
          <Select {...control} {...form.register("agent_id")}>
            <option value="" />
            {agents.map((agent) => (
              <option key={agent.id} value={agent.id}>
                {agent.name}
              </option>
            ))}
          </Select>
        )}
      </Field>
      <p className="text-soft sm:col-span-2">{t("slack.values_hint")}</p>
      <div className="grid justify-items-start gap-3 sm:col-span-2">
        <FormFailure error={connect.error} />
        <Button type="submit" look="primary" disabled={!mayWrite} busy={connect.isPending}>
          {t("slack.connect")}
        </Button>
      </div>
    </form>
  );
}

function Finish({ connection, botName }: { connection: Connection; botName: string }) {
  const params = useProjectParams();
  return (
    <>
      <Checks connection={connection.id} />
      <ol className="grid list-decimal gap-1.5 ps-5 marker:text-soft">
        <li>{t("slack.finish_1")}</li>
        <li>{t("slack.finish_2", { name: botName })}</li>
        <li>{t("slack.finish_3", { name: botName })}</li>
      </ol>
      <div>
        <Link
          to="/o/$organisation/p/$project/connections/$connection"
          params={{ ...params, connection: connection.id }}
          className={buttonClass("primary")}
        >
          {t("slack.open_connection")}
        </Link>
      </div>
    </>
  );
}
