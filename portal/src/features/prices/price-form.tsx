import { zodResolver } from "@hookform/resolvers/zod";
import { useQuery } from "@tanstack/react-query";
import { useForm } from "react-hook-form";
import { z } from "zod";
import { providersQuery } from "@/api/queries/models";
import { t } from "@/i18n/translate";
import { dollars, numberOf, optionalDollars, textOf } from "@/lib/numbers";
import { useOrganisation } from "@/lib/scope";
import { FormFailure } from "@/components/states";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { Input, Select } from "@/components/ui/input";
import { notify } from "@/components/ui/toast";
import { useSetPrice, type PriceInUse } from "@/features/prices/queries";

const schema = z.object({
  provider: z.string().min(1, t("error.required")),
  model: z.string().trim().min(1, t("error.required")),
  input: dollars,
  output: dollars,
  cache_read: optionalDollars,
  cache_write: optionalDollars,
});

/** A price of one's own, for one provider's model; the one that holds now is where it begins. */
export function PriceForm({ price, onClose }: { price: PriceInUse | undefined; onClose: () => void }) {
  const organisation = useOrganisation().id;
  const providers = useQuery(providersQuery(organisation)).data ?? [];
  const set = useSetPrice(organisation);
  const rates = price?.rates;
  const form = useForm({
    resolver: zodResolver(schema),
    defaultValues: {
      provider: price?.provider ?? "",
      model: price?.model ?? "",
      input: textOf(rates?.input_per_million),
      output: textOf(rates?.output_per_million),
      cache_read: textOf(rates?.cache_read_per_million),
      cache_write: textOf(rates?.cache_write_per_million),
    },
  });
  const { errors } = form.formState;
  const submit = form.handleSubmit((values) =>
    set.mutate(
      {
        provider: values.provider,
        model: values.model,
        input_per_million: Number(values.input),
        output_per_million: Number(values.output),
        cache_read_per_million: numberOf(values.cache_read),
        cache_write_per_million: numberOf(values.cache_write),
      },
      {
        onSuccess: () => {
          notify("done", t("prices.saved"));
          onClose();
        },
      },
    ),
  );
  const fields = [
    { name: "input", label: t("prices.input"), hint: undefined },
    { name: "output", label: t("prices.output"), hint: undefined },
    { name: "cache_read", label: t("prices.cache_read"), hint: t("prices.own_cache_hint") },
    { name: "cache_write", label: t("prices.cache_write"), hint: t("prices.own_cache_hint") },
  ] as const;
  return (
    <Dialog
      title={price === undefined ? t("prices.set") : t("prices.set_for", { model: price.model })}
      description={t("prices.hint")}
      onClose={onClose}
    >
      <form className="grid grid-cols-1 gap-4" noValidate onSubmit={(event) => void submit(event)}>
        {price === undefined ? (
          <div className="grid gap-4 sm:grid-cols-2">
            <Field label={t("models.provider")} error={errors.provider?.message}>
              {(control) => (
                <Select {...control} {...form.register("provider")}>
                  <option value="" />
                  {providers.map(({ id, name }) => (
                    <option key={id}>{name}</option>
                  ))}
                </Select>
              )}
            </Field>
            <Field label={t("prices.model")} error={errors.model?.message}>
              {(control) => <Input {...control} autoComplete="off" spellCheck={false} {...form.register("model")} />}
            </Field>
          </div>
        ) : null}
        <div className="grid gap-4 sm:grid-cols-2">
          {fields.map(({ name, label, hint }) => (
            <Field key={name} label={label} hint={hint} error={errors[name]?.message}>
              {(control) => <Input {...control} inputMode="decimal" autoComplete="off" {...form.register(name)} />}
            </Field>
          ))}
        </div>
        <FormFailure error={set.error} />
        <DialogActions>
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          <Button type="submit" look="primary" busy={set.isPending}>
            {t("action.save")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
