import { zodResolver } from "@hookform/resolvers/zod";
import { useQuery } from "@tanstack/react-query";
import { useForm, useWatch, type UseFormReturn } from "react-hook-form";
import { modelGroupsQuery, type ModelGroup } from "@/api/queries/models";
import { t } from "@/i18n/translate";
import { useOrganisation } from "@/lib/scope";
import { FormFailure } from "@/components/states";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { Checkbox, Input, Select } from "@/components/ui/input";
import { notify } from "@/components/ui/toast";
import { GroupFallbacks } from "@/features/models/group-fallbacks";
import { GroupModels } from "@/features/models/group-models";
import { bodyOf, groupSchema, STRATEGIES, strategyHint, strategyName, valuesOf, type GroupValues } from "@/features/models/group-values";
import { useSaveGroup } from "@/features/models/mutations";

export function GroupForm({ group, onClose }: { group: ModelGroup | undefined; onClose: () => void }) {
  const organisation = useOrganisation().id;
  const others = (useQuery(modelGroupsQuery(organisation)).data ?? []).filter(({ id }) => id !== group?.id).map(({ name }) => name);
  const save = useSaveGroup(organisation, group?.id);
  const form = useForm({ resolver: zodResolver(groupSchema), defaultValues: valuesOf(group) });
  const strategy = useWatch({ control: form.control, name: "strategy" });
  const submit = form.handleSubmit((values) =>
    save.mutate(bodyOf(values), {
      onSuccess: () => {
        notify("done", t("models.group_saved"));
        onClose();
      },
    }),
  );
  return (
    <Dialog
      shape="wide"
      title={group === undefined ? t("models.group_add") : t("models.group_edit", { name: group.name })}
      onClose={onClose}
    >
      <form className="grid grid-cols-1 gap-5" noValidate onSubmit={(event) => void submit(event)}>
        {group === undefined ? (
          <Field label={t("models.name")} error={form.formState.errors.name?.message}>
            {(control) => <Input {...control} autoComplete="off" spellCheck={false} autoFocus {...form.register("name")} />}
          </Field>
        ) : null}
        <Field label={t("models.strategy")} hint={strategyHint(strategy)}>
          {(control) => (
            <Select {...control} {...form.register("strategy")}>
              {STRATEGIES.map((name) => (
                <option key={name} value={name}>
                  {strategyName(name)}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <GroupModels form={form} organisation={organisation} weighted={strategy === "weighted"} />
        <GroupFallbacks form={form} others={others} />
        <Patience form={form} />
        <Tiers form={form} others={others} />
        <Field label={t("models.cache")} hint={t("models.cache_hint")} error={form.formState.errors.cache_seconds?.message}>
          {(control) => (
            <Input
              {...control}
              inputMode="numeric"
              autoComplete="off"
              placeholder={t("models.cache_none")}
              {...form.register("cache_seconds")}
            />
          )}
        </Field>
        <FormFailure error={save.error} />
        <DialogActions>
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          <Button type="submit" look="primary" busy={save.isPending}>
            {t("action.save")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

/** What most groups leave to the installation. */
function Patience({ form }: { form: UseFormReturn<GroupValues> }) {
  const { errors, defaultValues } = form.formState;
  const set = [defaultValues?.retries, defaultValues?.first_token, defaultValues?.between_tokens, defaultValues?.total];
  const fields = [
    { name: "retries", label: t("models.retries") },
    { name: "first_token", label: t("models.first_token") },
    { name: "between_tokens", label: t("models.between_tokens") },
    { name: "total", label: t("models.total") },
  ] as const;
  const wrong = fields.some(({ name }) => errors[name] !== undefined);
  return (
    <details open={wrong || set.some((value) => value !== undefined && value !== "") ? true : undefined}>
      <summary className="rounded font-medium">{t("models.patience")}</summary>
      <p className="mt-1 mb-3 text-[0.9rem] text-soft">{t("models.patience_hint")}</p>
      <div className="grid items-end gap-3 sm:grid-cols-2">
        {fields.map(({ name, label }) => (
          <Field key={name} label={label} error={errors[name]?.message}>
            {(control) => (
              <Input
                {...control}
                inputMode="decimal"
                autoComplete="off"
                placeholder={t("models.as_installation")}
                {...form.register(name)}
              />
            )}
          </Field>
        ))}
      </div>
    </details>
  );
}

/** A cheap group for simple calls, this one for the rest. */
function Tiers({ form, others }: { form: UseFormReturn<GroupValues>; others: string[] }) {
  const tiered = useWatch({ control: form.control, name: "tiered" });
  const { errors } = form.formState;
  if (others.length === 0) return null;
  return (
    <fieldset className="grid grid-cols-1 gap-3">
      <label className="flex items-start gap-3">
        <Checkbox className="mt-0.5" {...form.register("tiered")} />
        <span>
          <span className="font-medium">{t("models.tiers")}</span>
          <span className="block text-[0.9rem] text-soft">{t("models.tiers_hint")}</span>
        </span>
      </label>
      {tiered ? (
        <div className="grid gap-3 ps-7.5 sm:grid-cols-2">
          <Field label={t("models.tiers_group")} error={errors.simple_group?.message}>
            {(control) => (
              <Select {...control} {...form.register("simple_group")}>
                <option value="" />
                {others.map((name) => (
                  <option key={name}>{name}</option>
                ))}
              </Select>
            )}
          </Field>
          <Field label={t("models.tiers_tokens")} error={errors.simple_tokens?.message}>
            {(control) => <Input {...control} inputMode="numeric" autoComplete="off" {...form.register("simple_tokens")} />}
          </Field>
          <label className="flex items-center gap-3 sm:col-span-2">
            <Checkbox {...form.register("simple_tools")} />
            {t("models.tiers_tools")}
          </label>
        </div>
      ) : null}
    </fieldset>
  );
}
