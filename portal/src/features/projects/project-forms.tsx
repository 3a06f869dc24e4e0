import { zodResolver } from "@hookform/resolvers/zod";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useForm } from "react-hook-form";
import { z } from "zod";
import { api, done, take } from "@/api/client";
import type { MyOrganisation } from "@/api/queries/me";
import type { Project } from "@/api/queries/projects";
import { t } from "@/i18n/translate";
import { useOrganisation } from "@/lib/scope";
import { Confirm } from "@/components/confirm";
import { FormFailure } from "@/components/states";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { Input } from "@/components/ui/input";
import { notify } from "@/components/ui/toast";

const nameSchema = z.object({ name: z.string().trim().min(1, t("error.required")).max(100) });

/** Creates a project, or renames the one given. */
export function ProjectName({ project, onClose }: { project?: Project; onClose: () => void }) {
  const organisation = useOrganisation().id;
  const refresh = useRefresh();
  const form = useForm({ resolver: zodResolver(nameSchema), defaultValues: { name: project?.name ?? "" } });
  const save = useMutation({
    mutationFn: (body: { name: string }) =>
      project === undefined
        ? take(api.POST("/api/organisations/{organisation}/projects", { params: { path: { organisation } }, body }))
        : take(
            api.PATCH("/api/organisations/{organisation}/projects/{project}", {
              params: { path: { organisation, project: project.id } },
              body,
            }),
          ),
    onSuccess: async () => {
      await refresh();
      notify("done", t("projects.saved"));
      onClose();
    },
  });
  return (
    <Dialog title={project === undefined ? t("projects.create") : t("projects.rename_title")} onClose={onClose}>
      <form
        className="grid grid-cols-1 gap-4"
        noValidate
        onSubmit={(event) => void form.handleSubmit((values) => save.mutate(values))(event)}
      >
        <Field label={t("projects.name")} error={form.formState.errors.name?.message}>
          {(control) => <Input {...control} autoComplete="off" autoFocus {...form.register("name")} />}
        </Field>
        <FormFailure error={save.error} />
        <DialogActions>
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          <Button type="submit" look="primary" busy={save.isPending}>
            {project === undefined ? t("action.create") : t("action.save")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

export function DeleteProject({ project, onClose }: { project: Project; onClose: () => void }) {
  const organisation = useOrganisation().id;
  const refresh = useRefresh();
  const remove = useMutation({
    mutationFn: () =>
      done(api.DELETE("/api/organisations/{organisation}/projects/{project}", { params: { path: { organisation, project: project.id } } })),
    onSuccess: async () => {
      await refresh();
      notify("done", t("projects.deleted"));
      onClose();
    },
  });
  return (
    <Confirm
      title={t("projects.delete_title", { name: project.name })}
      description={t("projects.delete_hint")}
      action={t("action.delete")}
      typed={project.name}
      mutation={{ mutate: () => remove.mutate(), isPending: remove.isPending, error: remove.error }}
      onClose={onClose}
    />
  );
}

const organisationSchema = z.object({ display_name: z.string().trim().min(1, t("error.required")).max(200) });

export function OrganisationName({ organisation, mayWrite }: { organisation: MyOrganisation; mayWrite: boolean }) {
  const refresh = useRefresh();
  const form = useForm({ resolver: zodResolver(organisationSchema), defaultValues: { display_name: organisation.display_name } });
  const save = useMutation({
    mutationFn: (body: z.infer<typeof organisationSchema>) =>
      take(api.PATCH("/api/organisations/{organisation}", { params: { path: { organisation: organisation.id } }, body })),
    onSuccess: async (_, values) => {
      form.reset(values);
      await refresh();
      notify("done", t("projects.saved"));
    },
  });
  const { errors, isDirty } = form.formState;
  return (
    <form className="grid max-w-md gap-4" noValidate onSubmit={(event) => void form.handleSubmit((values) => save.mutate(values))(event)}>
      <Field label={t("operator.display_name")} error={errors.display_name?.message}>
        {(control) => <Input {...control} autoComplete="off" readOnly={!mayWrite} {...form.register("display_name")} />}
      </Field>
      <FormFailure error={save.error} />
      <div>
        <Button type="submit" disabled={!isDirty || !mayWrite} busy={save.isPending}>
          {t("action.save")}
        </Button>
      </div>
    </form>
  );
}

function useRefresh() {
  const client = useQueryClient();
  return () => Promise.all([client.invalidateQueries({ queryKey: ["projects"] }), client.invalidateQueries({ queryKey: ["me"] })]);
}
