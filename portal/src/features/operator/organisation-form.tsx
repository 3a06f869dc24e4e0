import { zodResolver } from "@hookform/resolvers/zod";
import { useForm } from "react-hook-form";
import { z } from "zod";
import { t } from "@/i18n/translate";
import { FormFailure } from "@/components/states";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { Input } from "@/components/ui/input";
import { notify } from "@/components/ui/toast";
import { useUpdateOrganisation, type OperatorOrganisation } from "@/features/operator/queries";

const whole = /^[1-9]\d*$/;

const schema = z.object({
  display_name: z.string().trim().min(1, t("error.required")).max(200),
  weight: z.string().regex(/^([1-9]\d?|100)$/, t("operator.number")),
  max_running: z.union([z.literal(""), z.string().regex(whole, t("operator.number"))]),
});

export function OrganisationForm({ organisation }: { organisation: OperatorOrganisation }) {
  const update = useUpdateOrganisation(organisation.id);
  const form = useForm({
    resolver: zodResolver(schema),
    defaultValues: {
      display_name: organisation.display_name,
      weight: String(organisation.weight),
      max_running: organisation.max_running === null || organisation.max_running === undefined ? "" : String(organisation.max_running),
    },
  });
  const { errors, isDirty } = form.formState;
  const submit = form.handleSubmit((values) =>
    update.mutate(
      {
        display_name: values.display_name,
        weight: Number(values.weight),
        max_running: values.max_running === "" ? null : Number(values.max_running),
      },
      {
        onSuccess: () => {
          form.reset(values);
          notify("done", t("operator.saved"));
        },
      },
    ),
  );
  return (
    <form className="grid gap-4 sm:grid-cols-2" noValidate onSubmit={(event) => void submit(event)}>
      <Field label={t("operator.display_name")} error={errors.display_name?.message} className="sm:col-span-2">
        {(control) => <Input {...control} autoComplete="off" {...form.register("display_name")} />}
      </Field>
      <Field label={t("operator.weight")} hint={t("operator.weight_hint")} error={errors.weight?.message}>
        {(control) => <Input {...control} inputMode="numeric" {...form.register("weight")} />}
      </Field>
      <Field label={t("operator.max_running")} hint={t("operator.max_running_hint")} error={errors.max_running?.message}>
        {(control) => <Input {...control} inputMode="numeric" {...form.register("max_running")} />}
      </Field>
      <div className="grid justify-items-start gap-3 sm:col-span-2">
        <FormFailure error={update.error} />
        <Button type="submit" look="primary" disabled={!isDirty} busy={update.isPending}>
          {t("action.save")}
        </Button>
      </div>
    </form>
  );
}
