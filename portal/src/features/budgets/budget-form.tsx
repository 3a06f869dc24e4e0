import { zodResolver } from "@hookform/resolvers/zod";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useForm, useWatch } from "react-hook-form";
import { z } from "zod";
import { api, take, type Schemas } from "@/api/client";
import { useCreateBudget, type Budget } from "@/api/queries/budgets";
import { modelGroupsQuery } from "@/api/queries/models";
import { t } from "@/i18n/translate";
import { dollars } from "@/lib/numbers";
import { useOrganisation } from "@/lib/scope";
import { FormFailure } from "@/components/states";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { Input, Select } from "@/components/ui/input";
import { notify } from "@/components/ui/toast";
import { budgetName, percentsOf, scopeBody, SCOPES, type Candidates } from "@/features/budgets/scope";

const schema = z
  .object({
    scope: z.enum(SCOPES),
    of: z.string(),
    usd: dollars,
    period: z.enum(["day", "month"]),
    on_exceeded: z.string(),
    when_unavailable: z.enum(["refuse", "allow"]),
    alerts: z.string().refine((text) => percentsOf(text) !== null, t("budgets.alerts_invalid")),
  })
  .refine(({ scope, of }) => scope === "organisation" || of !== "", { path: ["of"], message: t("error.required") });

interface BudgetFormProps {
  budget: Budget | undefined;
  candidates: Candidates;
  onClose: () => void;
}

/** Whose budget it is and how long it lasts is chosen when it is made, and stays. */
export function BudgetForm({ budget, candidates, onClose }: BudgetFormProps) {
  const organisation = useOrganisation().id;
  const create = useCreateBudget(organisation);
  const change = useChangeBudget(organisation, budget?.id ?? "");
  const groups = useQuery(modelGroupsQuery(organisation)).data ?? [];
  const form = useForm({
    resolver: zodResolver(schema),
    defaultValues: {
      scope: "organisation" as const,
      of: "",
      usd: budget === undefined ? "" : String(budget.usd),
      period: budget?.period ?? ("month" as const),
      on_exceeded: budget?.on_exceeded ?? "",
      when_unavailable: budget?.when_unavailable ?? ("refuse" as const),
      alerts: (budget?.alerts ?? [80, 100]).join(", "),
    },
  });
  const scope = useWatch({ control: form.control, name: "scope" });
  const { errors } = form.formState;
  const submit = form.handleSubmit((values) => {
    const rules = {
      usd: Number(values.usd),
      on_exceeded: values.on_exceeded === "" ? null : values.on_exceeded,
      when_unavailable: values.when_unavailable,
      alerts: percentsOf(values.alerts) ?? [],
    };
    const onSuccess = () => {
      notify("done", budget === undefined ? t("budgets.created") : t("budgets.saved"));
      onClose();
    };
    if (budget === undefined) create.mutate({ ...scopeBody(values.scope, values.of), period: values.period, ...rules }, { onSuccess });
    else change.mutate(rules, { onSuccess });
  });
  const title = budget === undefined ? t("budgets.create") : t("budgets.edit", { name: budgetName(budget, candidates) });
  return (
    <Dialog title={title} onClose={onClose}>
      <form className="grid grid-cols-1 gap-4" noValidate onSubmit={(event) => void submit(event)}>
        {budget === undefined ? (
          <div className="grid gap-4 sm:grid-cols-2">
            <Field label={t("budgets.for")}>
              {(control) => (
                <Select {...control} {...form.register("scope", { onChange: () => form.setValue("of", "") })}>
                  {SCOPES.map((name) => (
                    <option key={name} value={name}>
                      {t(`budgets.for_${name}`)}
                    </option>
                  ))}
                </Select>
              )}
            </Field>
            {scope === "organisation" ? null : (
              <Field label={t(`spend.by_${scope}`)} error={errors.of?.message}>
                {(control) => (
                  <Select {...control} {...form.register("of")}>
                    <option value="" />
                    {candidates[scope].map(({ id, name }) => (
                      <option key={id} value={id}>
                        {name}
                      </option>
                    ))}
                  </Select>
                )}
              </Field>
            )}
          </div>
        ) : null}
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label={t("budgets.usd")} error={errors.usd?.message}>
            {(control) => <Input {...control} inputMode="decimal" autoComplete="off" {...form.register("usd")} />}
          </Field>
          {budget === undefined ? (
            <Field label={t("budgets.period")}>
              {(control) => (
                <Select {...control} {...form.register("period")}>
                  <option value="day">{t("budgets.period_day")}</option>
                  <option value="month">{t("budgets.period_month")}</option>
                </Select>
              )}
            </Field>
          ) : null}
        </div>
        <Field label={t("budgets.alerts")} hint={t("budgets.alerts_hint")} error={errors.alerts?.message}>
          {(control) => <Input {...control} autoComplete="off" {...form.register("alerts")} />}
        </Field>
        <Field label={t("budgets.on_exceeded")}>
          {(control) => (
            <Select {...control} {...form.register("on_exceeded")}>
              <option value="">{t("budgets.on_exceeded_refuse")}</option>
              {groups.map(({ id, name }) => (
                <option key={id} value={name}>
                  {t("budgets.on_exceeded_group", { group: name })}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <Field label={t("budgets.when_unavailable")} hint={t("budgets.when_unavailable_hint")}>
          {(control) => (
            <Select {...control} {...form.register("when_unavailable")}>
              <option value="refuse">{t("budgets.when_unavailable_refuse")}</option>
              <option value="allow">{t("budgets.when_unavailable_allow")}</option>
            </Select>
          )}
        </Field>
        <FormFailure error={create.error ?? change.error} />
        <DialogActions>
          <Button onClick={onClose}>{t("action.cancel")}</Button>
          <Button type="submit" look="primary" busy={create.isPending || change.isPending}>
            {budget === undefined ? t("action.create") : t("action.save")}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}

function useChangeBudget(organisation: string, budget: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: Schemas["ChangeBudget"]) =>
      take(api.PATCH("/api/organisations/{organisation}/budgets/{budget}", { params: { path: { organisation, budget } }, body })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["budgets"] }),
  });
}
