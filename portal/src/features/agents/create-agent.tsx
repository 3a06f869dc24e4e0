import { zodResolver } from "@hookform/resolvers/zod";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { z } from "zod";
import { t } from "@/i18n/translate";
import { useProjectParams } from "@/lib/scope";
import { FormFailure } from "@/components/states";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { Input } from "@/components/ui/input";
import { BLANK_FORM, toConfig } from "@/features/agents/config";
import { useCreateAgent } from "@/features/agents/queries";

/** People give names to colleagues: a new agent is offered one. */
const NAMES = ["Mara", "Alex", "Noor", "Jonas", "Lina", "Samir", "Clara", "Theo", "Amal", "Ines", "Karim", "Vera"];

const schema = z.object({ name: z.string().trim().min(1, t("error.required")).max(100), role: z.string().trim() });

export function CreateAgent({ onClose }: { onClose: () => void }) {
  const params = useProjectParams();
  const navigate = useNavigate();
  const create = useCreateAgent();
  const [suggestion] = useState(() => NAMES[Math.floor(Math.random() * NAMES.length)] ?? "");
  const form = useForm({ resolver: zodResolver(schema), defaultValues: { name: suggestion, role: "" } });
  const submit = form.handleSubmit(({ name, role }) =>
    create.mutate(
      { name, config: toConfig({ ...BLANK_FORM, name, role }) },
      { onSuccess: (agent) => void navigate({ to: "/o/$organisation/p/$project/agents/$agent", params: { ...params, agent: agent.id } }) },
    ),
  );
  return (
    <Dialog title={t("agents.create")} description={t("agents.create_hint")} onClose={onClose}>
      <form className="grid grid-cols-1 gap-4" noValidate onSubmit={(event) => void submit(event)}>
        <Field label={t("agents.name")} error={form.formState.errors.name?.message}>
          {(control) => <Input {...control} autoComplete="off" autoFocus {...form.register("name")} />}
        </Field>
        <Field label={t("agents.role")} hint={t("agents.role_hint")}>
          {(control) => <Input {...control} autoComplete="off" {...form.register("role")} />}
        </Field>
        <FormFailure error={create.error} />
        <DialogActions>
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          <Button type="submit" look="primary" busy={create.isPending || create.isSuccess}>
            {t("action.create")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
