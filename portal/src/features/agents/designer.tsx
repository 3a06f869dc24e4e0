import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Plus, X } from "lucide-react";
import { useFieldArray, useWatch, type UseFormReturn } from "react-hook-form";
import { modelGroupsQuery } from "@/api/queries/models";
import { t } from "@/i18n/translate";
import { useOrganisation } from "@/lib/scope";
import { Button } from "@/components/ui/button";
import { CardSection } from "@/components/ui/card";
import { Field } from "@/components/ui/field";
import { Checkbox, Input, Select, Textarea } from "@/components/ui/input";
import { Loaded } from "@/components/loaded";
import type { AgentForm } from "@/features/agents/config";
import { toolsQuery } from "@/features/agents/queries";

/** The names the server fills in; they are code, not words. */
const PROMPT_VARIABLES = "{{agent.name}}, {{agent.role}}, {{organisation}}, {{date}}";

export interface SectionProps {
  form: UseFormReturn<AgentForm>;
}

/** Everything an agent's configuration holds, in the order in which one thinks of a new colleague. */
export function Designer({ form, mayWrite }: SectionProps & { mayWrite: boolean }) {
  return (
    <form className="contents" noValidate onSubmit={(event) => event.preventDefault()}>
      <fieldset disabled={!mayWrite} className="grid grid-cols-1 gap-6">
        <legend className="sr-only">{t("agents.tab_design")}</legend>
        <Person form={form} />
        <Work form={form} />
        <Voice form={form} />
        <Models form={form} />
        <Limits form={form} />
      </fieldset>
    </form>
  );
}

function Person({ form }: SectionProps) {
  const { errors } = form.formState;
  return (
    <CardSection title={t("agents.person")} description={t("agents.person_hint")}>
      <div className="grid gap-4 sm:grid-cols-[6rem_1fr_1fr]">
        <Field label={t("agents.icon")}>
          {(control) => <Input {...control} className="text-center" autoComplete="off" {...form.register("icon")} />}
        </Field>
        <Field label={t("agents.name")} error={errors.name?.message}>
          {(control) => <Input {...control} autoComplete="off" {...form.register("name")} />}
        </Field>
        <Field label={t("agents.role")}>
          {(control) => <Input {...control} autoComplete="off" placeholder={t("agents.role_example")} {...form.register("role")} />}
        </Field>
      </div>
    </CardSection>
  );
}

function Work({ form }: SectionProps) {
  return (
    <CardSection title={t("agents.work")}>
      <div className="grid grid-cols-1 gap-5">
        <Field label={t("agents.job_description")} hint={t("agents.job_description_hint")}>
          {(control) => <Textarea {...control} {...form.register("job_description")} />}
        </Field>
        <Field label={t("agents.statement_of_work")} hint={t("agents.statement_of_work_hint")}>
          {(control) => <Textarea {...control} {...form.register("statement_of_work")} />}
        </Field>
        <Rules form={form} />
        <Field label={t("agents.system_prompt")} hint={t("agents.system_prompt_hint", { variables: PROMPT_VARIABLES })}>
          {(control) => <Textarea {...control} rows={5} {...form.register("system_prompt")} />}
        </Field>
      </div>
    </CardSection>
  );
}

function Rules({ form }: SectionProps) {
  const { fields, append, remove } = useFieldArray({ control: form.control, name: "rules" });
  return (
    <fieldset className="grid gap-2">
      <legend className="mb-1.5 font-medium">{t("agents.rules")}</legend>
      {fields.map((field, index) => (
        <div key={field.id} className="flex gap-2">
          <Input aria-label={t("agents.rule_number", { number: index + 1 })} autoComplete="off" {...form.register(`rules.${index}.text`)} />
          <Button look="quiet" size="icon" aria-label={t("agents.rule_remove", { number: index + 1 })} onClick={() => remove(index)}>
            <X aria-hidden />
          </Button>
        </div>
      ))}
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <Button size="small" onClick={() => append({ text: "" })}>
          <Plus aria-hidden />
          {t("agents.rule_add")}
        </Button>
        <p className="text-[0.9rem] text-soft">{t("agents.rules_hint")}</p>
      </div>
    </fieldset>
  );
}

function Voice({ form }: SectionProps) {
  return (
    <CardSection title={t("agents.voice")}>
      <div className="grid grid-cols-1 gap-5">
        <Field label={t("agents.persona")} hint={t("agents.persona_hint")}>
          {(control) => <Textarea {...control} {...form.register("persona")} />}
        </Field>
        <Field label={t("agents.greeting")} hint={t("agents.greeting_hint")}>
          {(control) => <Textarea {...control} rows={2} {...form.register("greeting")} />}
        </Field>
        <Field label={t("agents.languages")} hint={t("agents.languages_hint")}>
          {(control) => <Input {...control} autoComplete="off" {...form.register("languages")} />}
        </Field>
      </div>
    </CardSection>
  );
}

function Models({ form }: SectionProps) {
  const organisation = useOrganisation();
  const groups = useQuery(modelGroupsQuery(organisation.id)).data ?? [];
  const tools = useQuery(toolsQuery(organisation.id));
  const chosen = useWatch({ control: form.control, name: "model_group" });
  const names = [...new Set([...groups.map(({ name }) => name), chosen])].filter((name) => name !== "");
  return (
    <CardSection title={t("agents.abilities")}>
      <div className="grid grid-cols-1 gap-5">
        <Field
          label={t("agents.model_group")}
          error={form.formState.errors.model_group?.message}
          hint={
            <Link
              to="/o/$organisation/models"
              params={{ organisation: organisation.name }}
              className="text-brand underline underline-offset-2"
            >
              {t("agents.model_group_hint")}
            </Link>
          }
        >
          {(control) => (
            <Select {...control} {...form.register("model_group")}>
              {names.map((name) => (
                <option key={name} value={name}>
                  {groups.length === 0 || groups.some((group) => group.name === name) ? name : t("agents.model_group_missing", { name })}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <fieldset className="grid gap-1">
          <legend className="mb-1.5 font-medium">{t("agents.tools")}</legend>
          <Loaded query={tools} rows={2}>
            {(items) =>
              items.map((tool) => (
                <label key={tool.name} className="-mx-2 flex cursor-pointer items-start gap-3 rounded-lg px-2 py-2 hover:bg-sunken/60">
                  <Checkbox className="mt-1" value={tool.name} {...form.register("tools")} />
                  <span>
                    <span className="font-medium">{tool.title}</span>
                    <span className="block text-[0.93rem] text-soft">{tool.description}</span>
                  </span>
                </label>
              ))
            }
          </Loaded>
        </fieldset>
      </div>
    </CardSection>
  );
}

function Limits({ form }: SectionProps) {
  const { errors } = form.formState;
  const field = (name: "max_steps" | "max_output_tokens" | "max_total_tokens" | "max_cost_usd" | "max_seconds") => (
    <Field label={t(`agents.${name}`)} hint={t(`agents.${name}_hint`)} error={errors[name]?.message}>
      {(control) => <Input {...control} inputMode="decimal" autoComplete="off" {...form.register(name)} />}
    </Field>
  );
  return (
    <CardSection title={t("agents.limits")} description={t("agents.limits_hint")}>
      <div className="grid gap-5 sm:grid-cols-2 2xl:grid-cols-3">
        {field("max_steps")}
        {field("max_output_tokens")}
        {field("max_total_tokens")}
        {field("max_cost_usd")}
        {field("max_seconds")}
      </div>
    </CardSection>
  );
}
