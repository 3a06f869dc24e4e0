import { X } from "lucide-react";
import { useFieldArray, type UseFormReturn } from "react-hook-form";
import { t } from "@/i18n/translate";
import { cn } from "@/lib/cn";
import { useReorder } from "@/lib/reorder";
import { Grip } from "@/components/grip";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { Select } from "@/components/ui/input";
import type { GroupValues } from "@/features/models/group-values";

/** The groups that are asked, one after the other, where none of this one's models answers. */
export function GroupFallbacks({ form, others }: { form: UseFormReturn<GroupValues>; others: string[] }) {
  const { fields, append, remove, move } = useFieldArray({ control: form.control, name: "fallbacks" });
  const { list, held, grip } = useReorder<HTMLOListElement>(fields.length, move);
  const left = others.filter((name) => !fields.some((field) => field.name === name));
  if (others.length === 0 && fields.length === 0) return null;
  return (
    <div className="grid grid-cols-1 gap-2">
      <Field label={t("models.fallbacks")} hint={t("models.fallbacks_hint")}>
        {(control) => (
          <Select
            {...control}
            value=""
            disabled={left.length === 0}
            onChange={(event) => event.target.value !== "" && append({ name: event.target.value })}
          >
            <option value="">{left.length === 0 ? t("models.fallbacks_all") : t("models.fallbacks_choose")}</option>
            {left.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </Select>
        )}
      </Field>
      {fields.length === 0 ? null : (
        <ol ref={list} aria-label={t("models.fallbacks")} className="grid grid-cols-1 gap-1.5">
          {fields.map((field, index) => (
            <li
              key={field.id}
              className={cn(
                "flex items-center gap-2 rounded-lg border bg-sunken py-1 ps-1.5 pe-1",
                held === index && "border-brand shadow-card",
              )}
            >
              <Grip name={field.name} place={index + 1} count={fields.length} {...grip(index)} />
              <span className="min-w-0 grow break-all">{field.name}</span>
              <Button look="quiet" size="small" aria-label={t("action.remove_named", { name: field.name })} onClick={() => remove(index)}>
                <X aria-hidden />
              </Button>
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}
