import { zodResolver } from "@hookform/resolvers/zod";
import { useQuery } from "@tanstack/react-query";
import { useForm, useWatch, type UseFormReturn } from "react-hook-form";
import { z } from "zod";
import { useCreateBudget } from "@/api/queries/budgets";
import { modelGroupsQuery } from "@/api/queries/models";
import type { VirtualKey } from "@/api/queries/virtual-keys";
import { t } from "@/i18n/translate";
import { dollars, numberOf, optionalWhole, textOf } from "@/lib/numbers";
import { useOrganisation } from "@/lib/scope";
import { CopyLine } from "@/components/copy";
import { FormFailure } from "@/components/states";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { Checkbox, Input, Select } from "@/components/ui/input";
import { notify } from "@/components/ui/toast";
import { useChangeVirtualKey, useCreateVirtualKey } from "@/features/virtual-keys/mutations";
import { SnippetsPanel } from "@/features/virtual-keys/snippets-panel";

const MOST = 1_000_000_000;

const schema = z
  .object({
    name: z.string().trim().min(1, t("error.required")).max(100),
    project: z.string(),
    model_groups: z.array(z.string()),
    requests: optionalWhole(1, MOST),
    tokens: optionalWhole(1, MOST),
    bounded: z.boolean(),
    usd: z.string().trim(),
    period: z.enum(["day", "month"]),
  })
  .refine(({ bounded, usd }) => !bounded || dollars.safeParse(usd).success, { path: ["usd"], message: t("error.dollars") });

type Values = z.infer<typeof schema>;

/** Makes a key, shown once with what to paste where; its budget is made after it. */
export function CreateVirtualKey({ onClose }: { onClose: () => void }) {
  const organisation = useOrganisation().id;
  const create = useCreateVirtualKey(organisation);
  const budget = useCreateBudget(organisation);
  const form = useKeyForm();
  const groups = (useQuery(modelGroupsQuery(organisation)).data ?? []).map(({ name }) => name);
  if (create.data !== undefined && !budget.isPending) {
    const { key, model_groups } = create.data;
    return (
      <Dialog shape="wide" title={t("vkeys.created")} description={t("vkeys.created_hint")} onClose={onClose}>
        <div className="grid grid-cols-1 gap-5">
          {typeof key === "string" ? <CopyLine label={t("vkeys.key")} value={key} /> : null}
          {budget.error === null ? null : (
            <div className="grid grid-cols-1 gap-1">
              <p className="font-medium">{t("vkeys.budget_failed")}</p>
              <FormFailure error={budget.error} />
            </div>
          )}
          <SnippetsPanel secret={key ?? null} group={model_groups[0] ?? groups[0]} />
          <DialogActions>
            <Button look="primary" onClick={onClose}>
              {t("vkeys.saved")}
            </Button>
          </DialogActions>
        </div>
      </Dialog>
    );
  }
  const submit = form.handleSubmit((values) =>
    create.mutate(
      { ...common(values), project_id: values.project === "" ? null : values.project },
      {
        onSuccess: ({ id }) => {
          if (values.bounded)
            budget.mutate({ virtual_key_id: id, period: values.period, usd: Number(values.usd), when_unavailable: "refuse" });
        },
      },
    ),
  );
  return (
    <Dialog title={t("vkeys.create")} onClose={onClose}>
      <form className="grid grid-cols-1 gap-4" noValidate onSubmit={(event) => void submit(event)}>
        <Fields form={form} groups={groups} />
        <Projects form={form} />
        <BudgetFields form={form} />
        <FormFailure error={create.error} />
        <DialogActions>
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          <Button type="submit" look="primary" busy={create.isPending || budget.isPending}>
            {t("action.create")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

export function EditVirtualKey({ virtualKey, onClose }: { virtualKey: VirtualKey; onClose: () => void }) {
  const organisation = useOrganisation().id;
  const change = useChangeVirtualKey(organisation, virtualKey.id);
  const form = useKeyForm(virtualKey);
  const groups = (useQuery(modelGroupsQuery(organisation)).data ?? []).map(({ name }) => name);
  const submit = form.handleSubmit((values) =>
    change.mutate(common(values), {
      onSuccess: () => {
        notify("done", t("vkeys.changed"));
        onClose();
      },
    }),
  );
  return (
    <Dialog title={t("vkeys.edit", { name: virtualKey.name })} onClose={onClose}>
      <form className="grid grid-cols-1 gap-4" noValidate onSubmit={(event) => void submit(event)}>
        {/* A group that is gone still shows, so that saving does not silently open every group. */}
        <Fields form={form} groups={[...new Set([...groups, ...virtualKey.model_groups])]} />
        <FormFailure error={change.error} />
        <DialogActions>
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          <Button type="submit" look="primary" busy={change.isPending}>
            {t("action.save")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

function useKeyForm(standing?: VirtualKey): UseFormReturn<Values> {
  return useForm<Values>({
    resolver: zodResolver(schema),
    defaultValues: {
      name: standing?.name ?? "",
      project: standing?.project_id ?? "",
      model_groups: standing?.model_groups ?? [],
      requests: textOf(standing?.limits.requests_per_minute),
      tokens: textOf(standing?.limits.tokens_per_minute),
      bounded: false,
      usd: "",
      period: "month",
    },
  });
}

function common({ name, model_groups, requests, tokens }: Values) {
  return { name, model_groups, limits: { requests_per_minute: numberOf(requests), tokens_per_minute: numberOf(tokens) } };
}

function Fields({ form, groups }: { form: UseFormReturn<Values>; groups: string[] }) {
  const { errors } = form.formState;
  return (
    <>
      <Field label={t("vkeys.name")} hint={t("vkeys.name_hint")} error={errors.name?.message}>
        {(control) => <Input {...control} autoComplete="off" autoFocus {...form.register("name")} />}
      </Field>
      <fieldset className="grid grid-cols-1 gap-1.5">
        <legend className="mb-1.5 font-medium">{t("vkeys.groups")}</legend>
        <div className="flex flex-wrap gap-x-5 gap-y-2">
          {groups.map((name) => (
            <label key={name} className="flex items-center gap-2.5">
              <Checkbox value={name} {...form.register("model_groups")} />
              {name}
            </label>
          ))}
        </div>
        <p className="text-[0.9rem] text-soft">{t("vkeys.groups_hint")}</p>
      </fieldset>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label={t("vkeys.requests")} error={errors.requests?.message}>
          {(control) => (
            <Input {...control} inputMode="numeric" autoComplete="off" placeholder={t("vkeys.unlimited")} {...form.register("requests")} />
          )}
        </Field>
        <Field label={t("vkeys.tokens")} error={errors.tokens?.message}>
          {(control) => (
            <Input {...control} inputMode="numeric" autoComplete="off" placeholder={t("vkeys.unlimited")} {...form.register("tokens")} />
          )}
        </Field>
      </div>
    </>
  );
}

function Projects({ form }: { form: UseFormReturn<Values> }) {
  const { projects } = useOrganisation();
  return (
    <Field label={t("vkeys.project")} hint={t("vkeys.project_hint")}>
      {(control) => (
        <Select {...control} {...form.register("project")}>
          <option value="">{t("vkeys.project_none")}</option>
          {projects.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
}

function BudgetFields({ form }: { form: UseFormReturn<Values> }) {
  const bounded = useWatch({ control: form.control, name: "bounded" });
  return (
    <fieldset className="grid grid-cols-1 gap-3">
      <label className="flex items-start gap-3">
        <Checkbox className="mt-0.5" {...form.register("bounded")} />
        <span>
          <span className="font-medium">{t("vkeys.budget")}</span>
          <span className="block text-[0.9rem] text-soft">{t("vkeys.budget_hint")}</span>
        </span>
      </label>
      {bounded ? (
        <div className="grid gap-4 ps-7.5 sm:grid-cols-2">
          <Field label={t("budgets.usd")} error={form.formState.errors.usd?.message}>
            {(control) => <Input {...control} inputMode="decimal" autoComplete="off" {...form.register("usd")} />}
          </Field>
          <Field label={t("budgets.period")}>
            {(control) => (
              <Select {...control} {...form.register("period")}>
                <option value="day">{t("budgets.period_day")}</option>
                <option value="month">{t("budgets.period_month")}</option>
              </Select>
            )}
          </Field>
        </div>
      ) : null}
    </fieldset>
  );
}
