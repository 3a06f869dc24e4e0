import { expect, test } from "vitest";
import { percentsOf, scopeBody, scopeOf } from "@/features/budgets/scope";

test("thresholds are put in order, each once", () => {
  expect(percentsOf("100, 80 50%, 80")).toEqual([50, 80, 100]);
  expect(percentsOf("")).toEqual([]);
});

test.each(["0", "101", "half", "12.5", "1,2,3,4,5,6,7,8,9,10,11"])("%s are no thresholds", (text) => {
  expect(percentsOf(text)).toBeNull();
});

test("a budget is for what it was made for", () => {
  const nobody = { project_id: null, agent_id: null, virtual_key_id: null };
  expect(scopeOf({ ...nobody, ...scopeBody("organisation", "") })).toEqual({ scope: "organisation", id: null });
  for (const scope of ["project", "agent", "key"] as const)
    expect(scopeOf({ ...nobody, ...scopeBody(scope, "x") })).toEqual({ scope, id: "x" });
});
