import { zodResolver } from "@hookform/resolvers/zod";
import { useForm, useWatch } from "react-hook-form";
import { z } from "zod";
import type { Member } from "@/api/queries/members";
import { t } from "@/i18n/translate";
import { useOrganisation } from "@/lib/scope";
import { RoleSelect, roleHint } from "@/components/role-select";
import { FormFailure } from "@/components/states";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { notify } from "@/components/ui/toast";
import { nameOf } from "@/features/members/name";
import { useAddRole } from "@/features/members/queries";
import { ScopeSelect } from "@/features/members/scope";

const schema = z.object({
  role: z.enum(["owner", "admin", "member", "viewer"]),
  project: z.string(),
});

/** Somebody who is a member already needs no invitation. */
export function AddRole({ member, onClose }: { member: Member; onClose: () => void }) {
  const add = useAddRole(useOrganisation().id);
  const form = useForm({ resolver: zodResolver(schema), defaultValues: { role: "member" as const, project: "" } });
  const role = useWatch({ control: form.control, name: "role" });
  const submit = form.handleSubmit(({ role: chosen, project }) =>
    add.mutate(
      { user_id: member.user_id, role: chosen, project_id: project === "" ? undefined : project },
      {
        onSuccess: () => {
          notify("done", t("members.role_added", { name: nameOf(member) }));
          onClose();
        },
      },
    ),
  );
  return (
    <Dialog title={t("members.add_role", { name: nameOf(member) })} description={t("members.add_role_hint")} onClose={onClose}>
      <form className="grid gap-4 sm:grid-cols-2" noValidate onSubmit={(event) => void submit(event)}>
        <Field label={t("members.role")} hint={roleHint(role)}>
          {(control) => <RoleSelect {...control} {...form.register("role")} />}
        </Field>
        <Field label={t("members.scope")}>{(control) => <ScopeSelect {...control} {...form.register("project")} />}</Field>
        <div className="sm:col-span-2">
          <FormFailure error={add.error} />
          <DialogActions>
            <Button onClick={onClose}>{t("action.cancel")}</Button>
            <Button type="submit" look="primary" busy={add.isPending}>
              {t("members.add_role_button")}
            </Button>
          </DialogActions>
        </div>
      </form>
    </Dialog>
  );
}
