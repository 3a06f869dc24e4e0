import { zodResolver } from "@hookform/resolvers/zod";
import { useQuery } from "@tanstack/react-query";
import { ArrowDown, ArrowUp, Plus, X } from "lucide-react";
import { useFieldArray, useForm, type UseFormReturn } from "react-hook-form";
import { z } from "zod";
import { modelGroupsQuery, providersQuery, type ModelGroup } from "@/api/queries/models";
import { t } from "@/i18n/translate";
import { useOrganisation } from "@/lib/scope";
import { FormFailure } from "@/components/states";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { Input, Select } from "@/components/ui/input";
import { notify } from "@/components/ui/toast";
import { useSaveGroup } from "@/features/models/mutations";

const schema = z.object({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, t("models.name_invalid")),
  models: z
    .array(z.object({ provider: z.string().min(1, t("error.required")), model: z.string().trim().min(1, t("error.required")) }))
    .min(1, t("models.one_model")),
  fallback: z.string(),
});

type Values = z.infer<typeof schema>;

export function GroupForm({ group, onClose }: { group: ModelGroup | undefined; onClose: () => void }) {
  const organisation = useOrganisation().id;
  const others = (useQuery(modelGroupsQuery(organisation)).data ?? []).filter(({ id }) => id !== group?.id);
  const save = useSaveGroup(organisation, group?.id);
  const form = useForm({
    resolver: zodResolver(schema),
    defaultValues: { name: group?.name ?? "", models: group?.models ?? [{ provider: "", model: "" }], fallback: group?.fallbacks[0] ?? "" },
  });
  // The form edits the first fallback; further ones, which only `apply` can set, are kept.
  const submit = form.handleSubmit(({ name, models, fallback }) =>
    save.mutate(
      { name, models, fallbacks: [...(fallback === "" ? [] : [fallback]), ...(group?.fallbacks.slice(1) ?? [])] },
      {
        onSuccess: () => {
          notify("done", t("models.group_saved"));
          onClose();
        },
      },
    ),
  );
  return (
    <Dialog title={group === undefined ? t("models.group_add") : t("models.group_edit", { name: group.name })} onClose={onClose}>
      <form className="grid grid-cols-1 gap-4" noValidate onSubmit={(event) => void submit(event)}>
        {group === undefined ? (
          <Field label={t("models.name")} error={form.formState.errors.name?.message}>
            {(control) => <Input {...control} autoComplete="off" spellCheck={false} autoFocus {...form.register("name")} />}
          </Field>
        ) : null}
        <Targets form={form} organisation={organisation} />
        <Field label={t("models.fallbacks")}>
          {(control) => (
            <Select {...control} {...form.register("fallback")}>
              <option value="">{t("models.fallbacks_none")}</option>
              {others.map(({ id, name }) => (
                <option key={id} value={name}>
                  {name}
                </option>
              ))}
            </Select>
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

function Targets({ form, organisation }: { form: UseFormReturn<Values>; organisation: string }) {
  const providers = useQuery(providersQuery(organisation)).data ?? [];
  const { fields, append, remove, swap } = useFieldArray({ control: form.control, name: "models" });
  const errors = form.formState.errors.models;
  return (
    <fieldset className="grid grid-cols-1 gap-3">
      {fields.map((field, index) => (
        <div
          key={field.id}
          role="group"
          aria-label={t("models.target_number", { number: index + 1 })}
          className="flex items-start gap-2 rounded-xl bg-sunken p-3"
        >
          <div className="grid grow gap-3 sm:grid-cols-2">
            <Field label={t("models.provider")} error={errors?.[index]?.provider?.message}>
              {(control) => (
                <Select {...control} {...form.register(`models.${index}.provider`)}>
                  <option value="" />
                  {/* A provider that is gone still shows, so that saving does not silently choose another. */}
                  {[...new Set([...providers.map(({ name }) => name), field.provider])].filter(Boolean).map((name) => (
                    <option key={name}>{name}</option>
                  ))}
                </Select>
              )}
            </Field>
            <Field label={t("models.model")} error={errors?.[index]?.model?.message}>
              {(control) => (
                <Input
                  {...control}
                  autoComplete="off"
                  spellCheck={false}
                  placeholder={t("models.model_hint")}
                  {...form.register(`models.${index}.model`)}
                />
              )}
            </Field>
          </div>
          <div className="grid">
            <Button
              look="quiet"
              size="small"
              disabled={index === 0}
              aria-label={t("action.move_up")}
              onClick={() => swap(index, index - 1)}
            >
              <ArrowUp aria-hidden />
            </Button>
            <Button
              look="quiet"
              size="small"
              disabled={index === fields.length - 1}
              aria-label={t("action.move_down")}
              onClick={() => swap(index, index + 1)}
            >
              <ArrowDown aria-hidden />
            </Button>
            <Button look="quiet" size="small" disabled={fields.length === 1} aria-label={t("action.remove")} onClick={() => remove(index)}>
              <X aria-hidden />
            </Button>
          </div>
        </div>
      ))}
      <div>
        <Button size="small" onClick={() => append({ provider: providers[0]?.name ?? "", model: "" })}>
          <Plus aria-hidden />
          {t("models.target_add")}
        </Button>
      </div>
    </fieldset>
  );
}
