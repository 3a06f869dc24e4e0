import { zodResolver } from "@hookform/resolvers/zod";
import { useQuery } from "@tanstack/react-query";
import { useForm, useWatch } from "react-hook-form";
import { z } from "zod";
import { projectsQuery } from "@/api/queries/projects";
import { t } from "@/i18n/translate";
import { emailSchema } from "@/lib/email";
import { useOrganisation } from "@/lib/scope";
import { RoleSelect, roleHint } from "@/components/role-select";
import { FormFailure } from "@/components/states";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { Input, Select } from "@/components/ui/input";
import { notify } from "@/components/ui/toast";
import { useAddMember } from "@/features/members/queries";

const schema = z.object({
  email: emailSchema,
  role: z.enum(["owner", "admin", "member", "viewer"]),
  project: z.string(),
  display_name: z.string(),
  password: z.union([z.literal(""), z.string().min(10, t("account.short"))]),
});

export function AddMember({ onClose }: { onClose: () => void }) {
  const organisation = useOrganisation();
  const projects = useQuery(projectsQuery(organisation.id)).data ?? [];
  const add = useAddMember(organisation.id);
  const form = useForm({
    resolver: zodResolver(schema),
    defaultValues: { email: "", role: "member" as const, project: "", display_name: "", password: "" },
  });
  const role = useWatch({ control: form.control, name: "role" });
  const { errors } = form.formState;
  const submit = form.handleSubmit(({ email, role: chosen, project, display_name, password }) =>
    add.mutate(
      {
        email,
        role: chosen,
        project_id: project === "" ? undefined : project,
        display_name: display_name === "" ? undefined : display_name,
        password: password === "" ? undefined : password,
      },
      {
        onSuccess: () => {
          notify("done", t("members.added", { email }));
          onClose();
        },
      },
    ),
  );
  return (
    <Dialog title={t("members.add")} onClose={onClose}>
      <form className="grid gap-4 sm:grid-cols-2" noValidate onSubmit={(event) => void submit(event)}>
        <Field label={t("members.email")} error={errors.email?.message} className="sm:col-span-2">
          {(control) => <Input {...control} type="email" autoComplete="off" autoFocus {...form.register("email")} />}
        </Field>
        <Field label={t("members.role")} hint={roleHint(role)} error={errors.role?.message}>
          {(control) => <RoleSelect {...control} {...form.register("role")} />}
        </Field>
        <Field label={t("members.scope")}>
          {(control) => (
            <Select {...control} {...form.register("project")}>
              <option value="">{t("members.scope_all")}</option>
              {projects.map((project) => (
                <option key={project.id} value={project.id}>
                  {project.name}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <Field label={t("members.display_name")} hint={t("members.display_name_hint")}>
          {(control) => <Input {...control} autoComplete="off" {...form.register("display_name")} />}
        </Field>
        <Field label={t("members.password")} hint={t("members.password_hint")} error={errors.password?.message}>
          {(control) => <Input {...control} type="password" autoComplete="new-password" {...form.register("password")} />}
        </Field>
        <div className="sm:col-span-2">
          <FormFailure error={add.error} />
          <DialogActions>
            <Button onClick={onClose}>{t("action.cancel")}</Button>
            <Button type="submit" look="primary" busy={add.isPending}>
              {t("members.add")}
            </Button>
          </DialogActions>
        </div>
      </form>
    </Dialog>
  );
}
