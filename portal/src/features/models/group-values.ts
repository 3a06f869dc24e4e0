import { z } from "zod";
import type { Schemas } from "@/api/client";
import type { ModelGroup } from "@/api/queries/models";
import { t } from "@/i18n/translate";
import { numberOf, optionalWhole, textOf } from "@/lib/numbers";

export const STRATEGIES = ["ordered", "weighted", "latency", "cost", "least-busy"] as const satisfies ModelGroup["strategy"][];
export type Strategy = (typeof STRATEGIES)[number];

const required = z.string().trim().min(1, t("error.required"));
const seconds = z.string().refine((text) => text === "" || (/^\d+(\.\d+)?$/.test(text) && Number(text) > 0), {
  message: t("models.seconds_invalid"),
});

/** The form in the form's own terms: numbers are text while they are typed, and empty means the installation's own. */
export const groupSchema = z
  .object({
    name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, t("models.name_invalid")),
    models: z.array(z.object({ provider: required, model: required, weight: optionalWhole(0, 1000) })).min(1, t("models.one_model")),
    fallbacks: z.array(z.object({ name: z.string() })),
    strategy: z.enum(STRATEGIES),
    retries: optionalWhole(0, 10),
    first_token: seconds,
    between_tokens: seconds,
    total: seconds,
    tiered: z.boolean(),
    simple_group: z.string(),
    simple_tokens: optionalWhole(1, 10_000_000),
    simple_tools: z.boolean(),
    cache_seconds: optionalWhole(1, 604_800),
  })
  .refine(({ tiered, simple_group }) => !tiered || simple_group !== "", { path: ["simple_group"], message: t("error.required") })
  .refine(({ tiered, simple_tokens }) => !tiered || simple_tokens !== "", { path: ["simple_tokens"], message: t("error.required") });

export type GroupValues = z.infer<typeof groupSchema>;

export const NEW_MODEL = { provider: "", model: "", weight: "1" };

export function valuesOf(group: ModelGroup | undefined): GroupValues {
  return {
    name: group?.name ?? "",
    models: group?.models.map(({ provider, model, weight }) => ({ provider, model, weight: textOf(weight) })) ?? [NEW_MODEL],
    fallbacks: group?.fallbacks.map((name) => ({ name })) ?? [],
    strategy: group?.strategy ?? "ordered",
    retries: textOf(group?.retries),
    first_token: textOf(group?.timeouts.first_token),
    between_tokens: textOf(group?.timeouts.between_tokens),
    total: textOf(group?.timeouts.total),
    tiered: group?.simple !== null && group?.simple !== undefined,
    simple_group: group?.simple?.group ?? "",
    simple_tokens: textOf(group?.simple?.max_input_tokens),
    simple_tools: group?.simple?.tools ?? false,
    cache_seconds: textOf(group?.cache_seconds),
  };
}

export function bodyOf(values: GroupValues): Schemas["CreateModelGroup"] {
  return {
    name: values.name,
    models: values.models.map(({ provider, model, weight }) => ({ provider, model, weight: numberOf(weight) })),
    fallbacks: values.fallbacks.map(({ name }) => name),
    strategy: values.strategy,
    retries: numberOf(values.retries),
    timeouts: {
      first_token: numberOf(values.first_token),
      between_tokens: numberOf(values.between_tokens),
      total: numberOf(values.total),
    },
    simple: values.tiered
      ? { group: values.simple_group, max_input_tokens: Number(values.simple_tokens), tools: values.simple_tools }
      : null,
    cache_seconds: numberOf(values.cache_seconds),
  };
}

export function strategyName(strategy: Strategy): string {
  switch (strategy) {
    case "ordered":
      return t("models.strategy_ordered");
    case "weighted":
      return t("models.strategy_weighted");
    case "latency":
      return t("models.strategy_latency");
    case "cost":
      return t("models.strategy_cost");
    case "least-busy":
      return t("models.strategy_least_busy");
  }
}

export function strategyHint(strategy: Strategy): string {
  switch (strategy) {
    case "ordered":
      return t("models.strategy_ordered_hint");
    case "weighted":
      return t("models.strategy_weighted_hint");
    case "latency":
      return t("models.strategy_latency_hint");
    case "cost":
      return t("models.strategy_cost_hint");
    case "least-busy":
      return t("models.strategy_least_busy_hint");
  }
}
