import { useQuery } from "@tanstack/react-query";
import { Plus, X } from "lucide-react";
import { useFieldArray, useWatch, type UseFormReturn } from "react-hook-form";
import { providersQuery } from "@/api/queries/models";
import { t } from "@/i18n/translate";
import { cn } from "@/lib/cn";
import { useReorder } from "@/lib/reorder";
import { Grip } from "@/components/grip";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { Input, Select } from "@/components/ui/input";
import { NEW_MODEL, type GroupValues } from "@/features/models/group-values";

interface GroupModelsProps {
  form: UseFormReturn<GroupValues>;
  organisation: string;
  weighted: boolean;
}

/** The models of a group in their order. */
export function GroupModels({ form, organisation, weighted }: GroupModelsProps) {
  const providers = useQuery(providersQuery(organisation)).data ?? [];
  const { fields, append, remove, move } = useFieldArray({ control: form.control, name: "models" });
  const { list, held, grip } = useReorder<HTMLOListElement>(fields.length, move);
  const models = useWatch({ control: form.control, name: "models" });
  const errors = form.formState.errors.models;
  return (
    <fieldset className="grid grid-cols-1 gap-2">
      <legend className="mb-1.5 font-medium">{t("models.targets")}</legend>
      <ol ref={list} className="grid grid-cols-1 gap-2">
        {fields.map((field, index) => {
          const name = models[index]?.model === "" ? undefined : models[index]?.model;
          return (
            <li
              key={field.id}
              aria-label={t("models.target_number", { number: index + 1 })}
              className={cn("flex items-start gap-2 rounded-xl border bg-sunken p-3 ps-1.5", held === index && "border-brand shadow-card")}
            >
              <Grip
                name={name ?? t("models.target_number", { number: index + 1 })}
                place={index + 1}
                count={fields.length}
                className="mt-8"
                {...grip(index)}
              />
              <div className={cn("grid grow gap-3", weighted ? "sm:grid-cols-[1fr_1.4fr_5rem]" : "sm:grid-cols-[1fr_1.4fr]")}>
                <Field label={t("models.provider")} error={errors?.[index]?.provider?.message}>
                  {(control) => (
                    <Select {...control} {...form.register(`models.${index}.provider`)}>
                      <option value="" />
                      {/* A provider that is gone still shows, so that saving does not silently choose another. */}
                      {[...new Set([...providers.map((provider) => provider.name), field.provider])].filter(Boolean).map((provider) => (
                        <option key={provider}>{provider}</option>
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
                {weighted ? (
                  <Field label={t("models.weight")} error={errors?.[index]?.weight?.message}>
                    {(control) => <Input {...control} inputMode="numeric" {...form.register(`models.${index}.weight`)} />}
                  </Field>
                ) : null}
              </div>
              <Button
                look="quiet"
                size="small"
                className="mt-8"
                disabled={fields.length === 1}
                aria-label={t("action.remove_named", { name: name ?? t("models.target_number", { number: index + 1 }) })}
                onClick={() => remove(index)}
              >
                <X aria-hidden />
              </Button>
            </li>
          );
        })}
      </ol>
      <div>
        <Button size="small" onClick={() => append({ ...NEW_MODEL, provider: providers[0]?.name ?? "" })}>
          <Plus aria-hidden />
          {t("models.target_add")}
        </Button>
      </div>
    </fieldset>
  );
}
