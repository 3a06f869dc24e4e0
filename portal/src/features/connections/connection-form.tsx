import { zodResolver } from "@hookform/resolvers/zod";
import { useForm } from "react-hook-form";
import { z } from "zod";
import type { Agent } from "@/api/queries/agents";
import type { Connection } from "@/api/queries/connections";
import { t } from "@/i18n/translate";
import { useCan } from "@/lib/scope";
import { FormFailure } from "@/components/states";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { Input, Select } from "@/components/ui/input";
import { notify } from "@/components/ui/toast";
import { useChangeConnection } from "@/features/connections/mutations";

const schema = z.object({
  name: z.string().trim().min(1, t("error.required")).max(100),
  agent_id: z.string().min(1, t("error.required")),
  title: z.string().trim().max(100),
  app_id: z.string().trim(),
  external_id: z.string().trim().min(1, t("error.required")),
  signing_secret: z.string().trim(),
  bot_token: z.string().trim(),
});

type Values = z.infer<typeof schema>;

export function ConnectionForm({ connection, agents }: { connection: Connection; agents: Agent[] }) {
  const mayWrite = useCan("connections");
  const change = useChangeConnection(connection.id);
  const form = useForm({ resolver: zodResolver(schema), defaultValues: valuesOf(connection) });
  const { errors, isDirty } = form.formState;
  const slack = connection.channel === "slack";
  const submit = form.handleSubmit((values) =>
    change.mutate(
      {
        name: values.name,
        agent_id: values.agent_id,
        ...(slack
          ? {
              app_id: values.app_id,
              external_id: values.external_id,
              secrets: given({ signing_secret: values.signing_secret, bot_token: values.bot_token }),
            }
          : { settings: { ...connection.settings, title: values.title } }),
      },
      {
        onSuccess: (saved) => {
          form.reset(valuesOf(saved));
          notify("done", t("connections.saved"));
        },
      },
    ),
  );
  return (
    <form noValidate onSubmit={(event) => void submit(event)}>
      <fieldset disabled={!mayWrite} className="grid gap-4 sm:grid-cols-2">
        <legend className="sr-only">{t("connections.settings")}</legend>
        <Field label={t("connections.name")} error={errors.name?.message}>
          {(control) => <Input {...control} autoComplete="off" {...form.register("name")} />}
        </Field>
        <Field label={t("connections.agent")} error={errors.agent_id?.message}>
          {(control) => (
            <Select {...control} {...form.register("agent_id")}>
              {agents.map((agent) => (
                <option key={agent.id} value={agent.id}>
                  {agent.name}
                </option>
              ))}
            </Select>
          )}
        </Field>
        {slack ? (
          <>
            <Field label={t("connections.app_id")} error={errors.app_id?.message}>
              {(control) => <Input {...control} autoComplete="off" spellCheck={false} {...form.register("app_id")} />}
            </Field>
            <Field label={t("connections.workspace_id")} error={errors.external_id?.message}>
              {(control) => <Input {...control} autoComplete="off" spellCheck={false} {...form.register("external_id")} />}
            </Field>
            <Field label={t("connections.signing_secret")} hint={secretHint(connection, "signing_secret")}>
              {(control) => <Input {...control} type="password" autoComplete="off" {...form.register("signing_secret")} />}
            </Field>
            <Field label={t("connections.bot_token")} hint={secretHint(connection, "bot_token")}>
              {(control) => <Input {...control} type="password" autoComplete="off" {...form.register("bot_token")} />}
            </Field>
          </>
        ) : (
          <Field label={t("connections.web_title")} hint={t("connections.web_title_hint")}>
            {(control) => <Input {...control} autoComplete="off" {...form.register("title")} />}
          </Field>
        )}
        <div className="grid justify-items-start gap-3 sm:col-span-2">
          <FormFailure error={change.error} />
          <Button type="submit" look="primary" disabled={!isDirty} busy={change.isPending}>
            {t("action.save")}
          </Button>
        </div>
      </fieldset>
    </form>
  );
}

function valuesOf(connection: Connection): Values {
  const title = connection.settings["title"];
  return {
    name: connection.name,
    agent_id: connection.agent_id,
    title: typeof title === "string" ? title : "",
    app_id: connection.app_id,
    external_id: connection.external_id,
    signing_secret: "",
    bot_token: "",
  };
}

function secretHint(connection: Connection, name: string): string {
  return connection.secrets[name]?.set === true ? t("connections.secret_keep") : t("connections.secret_missing");
}

/** Only what was typed: the others stay as they are stored. */
function given(secrets: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(secrets).filter(([, value]) => value !== ""));
}
