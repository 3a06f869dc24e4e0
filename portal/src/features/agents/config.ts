import { z } from "zod";
import type { Schemas } from "@/api/client";
import { t } from "@/i18n/translate";

type Config = Schemas["AgentConfig"];

const count = z.string().regex(/^[1-9]\d*$/, t("agents.number"));
const optionalCount = z.union([z.literal(""), count]);

/** The designer's form mirrors what is on the screen: numbers are text until they are saved. */
export const formSchema = z.object({
  name: z.string().trim().min(1, t("error.required")).max(100),
  icon: z.string().trim().max(200),
  role: z.string().trim(),
  job_description: z.string(),
  statement_of_work: z.string(),
  persona: z.string(),
  system_prompt: z.string(),
  rules: z.array(z.object({ text: z.string() })),
  greeting: z.string(),
  languages: z.string(),
  model_group: z.string().min(1, t("error.required")),
  tools: z.array(z.string()),
  max_steps: count,
  max_output_tokens: count,
  max_total_tokens: optionalCount,
  max_cost_usd: z.union([z.literal(""), z.string().regex(/^\d+(\.\d+)?$/, t("agents.amount"))]),
  max_seconds: count,
});

export type AgentForm = z.infer<typeof formSchema>;

/** What a new agent begins with. */
export const BLANK_FORM: AgentForm = {
  name: "",
  icon: "",
  role: "",
  job_description: "",
  statement_of_work: "",
  persona: "",
  system_prompt: "",
  rules: [],
  greeting: "",
  languages: "",
  model_group: "quality",
  tools: [],
  max_steps: "8",
  max_output_tokens: "4096",
  max_total_tokens: "",
  max_cost_usd: "",
  max_seconds: "50",
};

export function toForm(name: string, config: Config): AgentForm {
  const { limits, rules, languages, ...texts } = config;
  return {
    ...texts,
    name,
    rules: rules.map((text) => ({ text })),
    languages: languages.join(", "),
    max_steps: String(limits.max_steps),
    max_output_tokens: String(limits.max_output_tokens),
    max_total_tokens: textOf(limits.max_total_tokens),
    max_cost_usd: textOf(limits.max_cost_usd),
    max_seconds: String(limits.max_seconds),
  };
}

export function toConfig(form: AgentForm): Config {
  return {
    icon: form.icon,
    role: form.role,
    job_description: form.job_description,
    statement_of_work: form.statement_of_work,
    persona: form.persona,
    system_prompt: form.system_prompt,
    rules: form.rules.map(({ text }) => text.trim()).filter((text) => text !== ""),
    greeting: form.greeting,
    languages: form.languages
      .split(/[,;،、]/u)
      .map((language) => language.trim())
      .filter((language) => language !== ""),
    model_group: form.model_group,
    tools: form.tools,
    limits: {
      max_steps: Number(form.max_steps),
      max_output_tokens: Number(form.max_output_tokens),
      max_total_tokens: numberOf(form.max_total_tokens),
      max_cost_usd: numberOf(form.max_cost_usd),
      max_seconds: Number(form.max_seconds),
    },
  };
}

function textOf(value: number | null | undefined): string {
  return value === null || value === undefined ? "" : String(value);
}

function numberOf(text: string): number | null {
  return text === "" ? null : Number(text);
}
