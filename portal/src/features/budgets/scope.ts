import { useQueries, useQuery } from "@tanstack/react-query";
import { agentsQuery } from "@/api/queries/agents";
import type { Budget } from "@/api/queries/budgets";
import { virtualKeysQuery } from "@/api/queries/virtual-keys";
import { t } from "@/i18n/translate";
import { useOrganisation } from "@/lib/scope";

export const SCOPES = ["organisation", "project", "agent", "key"] as const;
export type Scope = (typeof SCOPES)[number];

interface Candidate {
  id: string;
  name: string;
}

/** Everything that can be given a budget of its own. */
export interface Candidates {
  project: Candidate[];
  agent: Candidate[];
  key: Candidate[];
}

export function useCandidates(): Candidates {
  const organisation = useOrganisation();
  const agent = useQueries({
    queries: organisation.projects.map((project) => agentsQuery({ organisation: organisation.id, project: project.id })),
    combine: (results) => results.flatMap(({ data }) => data ?? []).map(({ id, name }) => ({ id, name })),
  });
  const keys = useQuery(virtualKeysQuery(organisation.id)).data ?? [];
  return { project: organisation.projects, agent, key: keys.map(({ id, name }) => ({ id, name })) };
}

export function scopeOf(budget: Pick<Budget, "project_id" | "agent_id" | "virtual_key_id">): { scope: Scope; id: string | null } {
  if (typeof budget.virtual_key_id === "string") return { scope: "key", id: budget.virtual_key_id };
  if (typeof budget.agent_id === "string") return { scope: "agent", id: budget.agent_id };
  if (typeof budget.project_id === "string") return { scope: "project", id: budget.project_id };
  return { scope: "organisation", id: null };
}

/** The body's part that says whose budget it is. */
export function scopeBody(scope: Scope, id: string) {
  switch (scope) {
    case "organisation":
      return {};
    case "project":
      return { project_id: id };
    case "agent":
      return { agent_id: id };
    case "key":
      return { virtual_key_id: id };
  }
}

export function budgetName(budget: Budget, candidates: Candidates): string {
  const { scope, id } = scopeOf(budget);
  if (scope === "organisation") return t("budgets.for_organisation");
  return candidates[scope].find((candidate) => candidate.id === id)?.name ?? t("budgets.gone");
}

/** "80, 100" as percents in their order; null where that is not what it says. */
export function percentsOf(text: string): number[] | null {
  const words = text.split(/[\s,;%]+/).filter((word) => word !== "");
  const percents = words.map(Number);
  if (percents.length > 10 || percents.some((percent) => !Number.isInteger(percent) || percent < 1 || percent > 100)) return null;
  return [...new Set(percents)].toSorted((a, b) => a - b);
}
