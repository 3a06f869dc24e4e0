import { expect, test } from "vitest";
import type { ModelGroup } from "@/api/queries/models";
import { bodyOf, groupSchema, valuesOf } from "@/features/models/group-values";

const GROUP: ModelGroup = {
  id: "00000000-0000-7000-8000-000000000001",
  name: "quality",
  models: [
    { provider: "openai", model: "gpt-5.5", weight: 3 },
    { provider: "anthropic", model: "claude-sonnet-5-5", weight: 0 },
  ],
  fallbacks: ["cheap", "offline"],
  strategy: "weighted",
  retries: null,
  timeouts: { first_token: 12.5, between_tokens: null, total: null },
  simple: { group: "cheap", max_input_tokens: 500, tools: true },
  cache_seconds: 60,
  created_at: "2026-11-20T12:00:00Z",
};

test("a group that is opened and saved is the group that it was", () => {
  const { name, models, fallbacks, strategy, retries, timeouts, simple, cache_seconds } = GROUP;
  expect(bodyOf(valuesOf(GROUP))).toEqual({ name, models, fallbacks, strategy, retries, timeouts, simple, cache_seconds });
});

test("what is left empty is left to the installation", () => {
  const values = { ...valuesOf(undefined), name: "new", models: [{ provider: "openai", model: "gpt-5.5", weight: "" }] };
  expect(groupSchema.safeParse(values).success).toBe(true);
  const body = bodyOf(values);
  expect([body.retries, body.simple, body.models[0]?.weight, body.cache_seconds]).toEqual([null, null, null, null]);
  expect(body.timeouts).toEqual({ first_token: null, between_tokens: null, total: null });
});

test.each([
  ["weights", { models: [{ provider: "a", model: "b", weight: "1001" }] }],
  ["retries", { retries: "-1" }],
  ["seconds", { total: "0" }],
  ["tiers without a group", { tiered: true, simple_group: "", simple_tokens: "5" }],
  ["no models", { models: [] }],
])("%s out of bounds are not saved", (_, change) => {
  expect(groupSchema.safeParse({ ...valuesOf(GROUP), ...change }).success).toBe(false);
});
