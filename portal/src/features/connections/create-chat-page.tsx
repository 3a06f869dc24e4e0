import { zodResolver } from "@hookform/resolvers/zod";
import { useNavigate } from "@tanstack/react-router";
import { useForm } from "react-hook-form";
import { z } from "zod";
import type { Agent } from "@/api/queries/agents";
import { t } from "@/i18n/translate";
import { useProjectParams } from "@/lib/scope";
import { FormFailure } from "@/components/states";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { Input, Select } from "@/components/ui/input";
import { useConnect } from "@/features/connections/mutations";

const schema = z.object({
  name: z.string().trim().min(1, t("error.required")).max(100),
  title: z.string().trim().max(100),
  agent_id: z.string().min(1, t("error.required")),
});

export function CreateChatPage({ agents, onClose }: { agents: Agent[]; onClose: () => void }) {
  const params = useProjectParams();
  const navigate = useNavigate();
  const connect = useConnect();
  const form = useForm({
    resolver: zodResolver(schema),
    defaultValues: { name: t("channel.web"), title: "", agent_id: agents[0]?.id ?? "" },
  });
  const { errors } = form.formState;
  const submit = form.handleSubmit(({ name, title, agent_id }) =>
    connect.mutate(
      { name, channel: "web", agent_id, settings: title === "" ? {} : { title } },
      {
        onSuccess: (made) =>
          void navigate({ to: "/o/$organisation/p/$project/connections/$connection", params: { ...params, connection: made.id } }),
      },
    ),
  );
  return (
    <Dialog title={t("connections.web_create")} description={t("connections.web_hint")} onClose={onClose}>
      <form className="grid grid-cols-1 gap-4" noValidate onSubmit={(event) => void submit(event)}>
        <Field label={t("connections.name")} error={errors.name?.message}>
          {(control) => <Input {...control} autoComplete="off" autoFocus {...form.register("name")} />}
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
        <Field label={t("connections.web_title")} hint={t("connections.web_title_hint")}>
          {(control) => <Input {...control} autoComplete="off" {...form.register("title")} />}
        </Field>
        <FormFailure error={connect.error} />
        <DialogActions>
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          <Button type="submit" look="primary" busy={connect.isPending || connect.isSuccess}>
            {t("action.create")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
