import { zodResolver } from "@hookform/resolvers/zod";
import { useNavigate } from "@tanstack/react-router";
import { useForm } from "react-hook-form";
import { z } from "zod";
import { t } from "@/i18n/translate";
import { emailSchema } from "@/lib/email";
import { InvitationLink } from "@/components/invitation-link";
import { FormFailure } from "@/components/states";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { Input } from "@/components/ui/input";
import { notify } from "@/components/ui/toast";
import { useCreateOrganisation } from "@/features/operator/queries";

const schema = z.object({
  display_name: z.string().trim().min(1, t("error.required")).max(200),
  name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, t("operator.name_invalid")),
  owner_email: z.union([z.literal(""), emailSchema]),
});

export function CreateOrganisation({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  const create = useCreateOrganisation();
  const form = useForm({
    resolver: zodResolver(schema),
    defaultValues: { display_name: "", name: "", owner_email: "" },
  });
  const { errors, dirtyFields } = form.formState;
  const submit = form.handleSubmit(({ display_name, name, owner_email }) =>
    create.mutate(
      {
        display_name,
        name,
        owner_email: owner_email === "" ? undefined : owner_email,
      },
      {
        onSuccess: (made) => {
          notify("done", t("operator.created_done", { name: made.display_name }));
          // An owner's link is shown only now; whoever has it goes on from there.
          if (made.owner_invitation === null || made.owner_invitation === undefined) open(made.id);
        },
      },
    ),
  );
  const { data: made } = create;
  if (made?.owner_invitation !== null && made?.owner_invitation !== undefined) {
    return <InvitationLink invitation={made.owner_invitation} onClose={() => open(made.id)} />;
  }
  return (
    <Dialog title={t("operator.create")} onClose={onClose}>
      <form className="grid grid-cols-1 gap-4" noValidate onSubmit={(event) => void submit(event)}>
        <Field label={t("operator.display_name")} error={errors.display_name?.message}>
          {(control) => (
            <Input {...control} autoComplete="off" autoFocus {...form.register("display_name", { onChange: () => suggestName() })} />
          )}
        </Field>
        <Field label={t("operator.name")} hint={t("operator.name_hint")} error={errors.name?.message}>
          {(control) => <Input {...control} autoComplete="off" spellCheck={false} {...form.register("name")} />}
        </Field>
        <Field label={t("operator.owner_email")} hint={t("operator.owner_hint")} error={errors.owner_email?.message}>
          {(control) => <Input {...control} type="email" autoComplete="off" {...form.register("owner_email")} />}
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

  function open(organisationId: string) {
    void navigate({ to: "/operator/organisations/$organisationId", params: { organisationId } });
  }

  function suggestName() {
    if (dirtyFields.name !== true) form.setValue("name", nameFrom(form.getValues("display_name")));
  }
}

/** "Ärzte am Markt" → "arzte-am-markt" */
function nameFrom(displayName: string): string {
  const plain = displayName.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  return plain
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 63);
}
