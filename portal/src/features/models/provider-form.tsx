import { zodResolver } from "@hookform/resolvers/zod";
import { useForm, useWatch } from "react-hook-form";
import { z } from "zod";
import type { Provider } from "@/api/queries/models";
import { t } from "@/i18n/translate";
import { useOrganisation } from "@/lib/scope";
import { FormFailure } from "@/components/states";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { Input, Select } from "@/components/ui/input";
import { notify } from "@/components/ui/toast";
import { useSaveProvider } from "@/features/models/mutations";
import { usualUrl, wireName, WIRES } from "@/features/models/wire";

const schema = z
  .object({
    name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, t("models.name_invalid")),
    wire: z.enum(WIRES),
    base_url: z.string().trim(),
    api_key: z.string().trim(),
  })
  .refine(({ wire, base_url }) => wire === "builtin" || base_url === "" || /^https?:\/\/\S+$/.test(base_url), {
    path: ["base_url"],
    message: t("models.url_invalid"),
  });

export function ProviderForm({ provider, onClose }: { provider: Provider | undefined; onClose: () => void }) {
  const save = useSaveProvider(useOrganisation().id, provider?.id);
  const form = useForm({
    resolver: zodResolver(schema),
    defaultValues: {
      name: provider?.name ?? "",
      wire: provider?.wire ?? "openai-chat",
      base_url: provider?.base_url ?? "",
      api_key: "",
    },
  });
  const wire = useWatch({ control: form.control, name: "wire" });
  const { errors } = form.formState;
  const submit = form.handleSubmit((values) =>
    save.mutate(
      {
        ...values,
        base_url: values.wire === "builtin" ? "" : values.base_url,
        api_key: values.api_key === "" ? undefined : values.api_key,
      },
      {
        onSuccess: () => {
          notify("done", t("models.provider_saved"));
          onClose();
        },
      },
    ),
  );
  return (
    <Dialog
      title={provider === undefined ? t("models.provider_add") : t("models.provider_edit", { name: provider.name })}
      onClose={onClose}
    >
      <form className="grid grid-cols-1 gap-4" noValidate onSubmit={(event) => void submit(event)}>
        <Field label={t("models.name")} error={errors.name?.message}>
          {(control) => <Input {...control} autoComplete="off" spellCheck={false} autoFocus {...form.register("name")} />}
        </Field>
        {provider === undefined ? (
          <Field label={t("models.wire")}>
            {(control) => (
              <Select {...control} {...form.register("wire")}>
                {WIRES.map((name) => (
                  <option key={name} value={name}>
                    {wireName(name)}
                  </option>
                ))}
              </Select>
            )}
          </Field>
        ) : null}
        {wire === "builtin" ? null : (
          <>
            <Field label={t("models.url")} hint={t("models.url_hint", { url: usualUrl(wire) })} error={errors.base_url?.message}>
              {(control) => (
                <Input
                  {...control}
                  type="url"
                  placeholder={usualUrl(wire)}
                  autoComplete="off"
                  spellCheck={false}
                  {...form.register("base_url")}
                />
              )}
            </Field>
            <Field
              label={t("models.provider_key")}
              hint={provider?.has_key === true ? t("models.provider_key_keep") : t("models.provider_key_hint")}
            >
              {(control) => <Input {...control} type="password" autoComplete="new-password" {...form.register("api_key")} />}
            </Field>
          </>
        )}
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
