import { zodResolver } from "@hookform/resolvers/zod";
import { useForm, useWatch } from "react-hook-form";
import { z } from "zod";
import { t } from "@/i18n/translate";
import { useOrganisation } from "@/lib/scope";
import { CopyLine } from "@/components/copy";
import { RoleSelect, roleHint } from "@/components/role-select";
import { FormFailure } from "@/components/states";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { Input } from "@/components/ui/input";
import { useCreateKey } from "@/features/api-keys/queries";

const schema = z.object({
  name: z.string().trim().min(1, t("error.required")).max(100),
  role: z.enum(["owner", "admin", "member", "viewer"]),
  expires: z.string(),
});

export function CreateKey({ onClose }: { onClose: () => void }) {
  const create = useCreateKey(useOrganisation().id);
  const form = useForm({ resolver: zodResolver(schema), defaultValues: { name: "", role: "member" as const, expires: "" } });
  const role = useWatch({ control: form.control, name: "role" });
  const { errors } = form.formState;
  if (create.data !== undefined) {
    return (
      <Dialog title={t("keys.created")} description={t("keys.created_hint")} onClose={onClose}>
        <CopyLine label={t("keys.key")} value={create.data.key} />
        <DialogActions>
          <Button look="primary" onClick={onClose}>
            {t("keys.saved")}
          </Button>
        </DialogActions>
      </Dialog>
    );
  }
  const submit = form.handleSubmit(({ name, role: chosen, expires }) =>
    create.mutate({ name, role: chosen, expires_at: expires === "" ? undefined : new Date(`${expires}T23:59:59`).toISOString() }),
  );
  return (
    <Dialog title={t("keys.create")} onClose={onClose}>
      <form className="grid grid-cols-1 gap-4" noValidate onSubmit={(event) => void submit(event)}>
        <Field label={t("keys.name")} hint={t("keys.name_hint")} error={errors.name?.message}>
          {(control) => <Input {...control} autoComplete="off" autoFocus {...form.register("name")} />}
        </Field>
        <Field label={t("keys.role")} hint={roleHint(role)}>
          {(control) => <RoleSelect {...control} {...form.register("role")} />}
        </Field>
        <Field label={t("keys.expires")} hint={t("keys.expires_hint")}>
          {(control) => <Input {...control} type="date" {...form.register("expires")} />}
        </Field>
        <FormFailure error={create.error} />
        <DialogActions>
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          <Button type="submit" look="primary" busy={create.isPending}>
            {t("action.create")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
