import { zodResolver } from "@hookform/resolvers/zod";
import { useForm, useWatch } from "react-hook-form";
import { z } from "zod";
import { t } from "@/i18n/translate";
import { emailSchema } from "@/lib/email";
import { useOrganisation } from "@/lib/scope";
import { InvitationLink } from "@/components/invitation-link";
import { RoleSelect, roleHint } from "@/components/role-select";
import { FormFailure } from "@/components/states";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { Input } from "@/components/ui/input";
import { useInvite } from "@/features/members/queries";
import { ScopeSelect } from "@/features/members/scope";

const schema = z.object({
  email: emailSchema,
  role: z.enum(["owner", "admin", "member", "viewer"]),
  project: z.string(),
});

export function InviteMember({ onClose }: { onClose: () => void }) {
  const invite = useInvite(useOrganisation().id);
  const form = useForm({ resolver: zodResolver(schema), defaultValues: { email: "", role: "member" as const, project: "" } });
  const role = useWatch({ control: form.control, name: "role" });
  const { errors } = form.formState;
  if (invite.data !== undefined) return <InvitationLink invitation={invite.data} onClose={onClose} />;
  const submit = form.handleSubmit(({ email, role: chosen, project }) =>
    invite.mutate({ email, role: chosen, project_id: project === "" ? undefined : project }),
  );
  return (
    <Dialog title={t("members.add")} description={t("members.add_hint")} onClose={onClose}>
      <form className="grid gap-4 sm:grid-cols-2" noValidate onSubmit={(event) => void submit(event)}>
        <Field label={t("members.email")} error={errors.email?.message} className="sm:col-span-2">
          {(control) => <Input {...control} type="email" autoComplete="off" autoFocus {...form.register("email")} />}
        </Field>
        <Field label={t("members.role")} hint={roleHint(role)} error={errors.role?.message}>
          {(control) => <RoleSelect {...control} {...form.register("role")} />}
        </Field>
        <Field label={t("members.scope")}>{(control) => <ScopeSelect {...control} {...form.register("project")} />}</Field>
        <div className="sm:col-span-2">
          <FormFailure error={invite.error} />
          <DialogActions>
            <Button onClick={onClose}>{t("action.cancel")}</Button>
            <Button type="submit" look="primary" busy={invite.isPending}>
              {t("members.create_link")}
            </Button>
          </DialogActions>
        </div>
      </form>
    </Dialog>
  );
}
