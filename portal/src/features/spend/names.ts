import { useQueries, useQuery } from "@tanstack/react-query";
import { agentsQuery } from "@/api/queries/agents";
import { virtualKeysQuery } from "@/api/queries/virtual-keys";
import { t } from "@/i18n/translate";
import { useOrganisation } from "@/lib/scope";
import type { By, CallFilter } from "@/features/spend/queries";
import { splitModel } from "@/features/spend/series";

/** What groups and ids are called. What is gone meanwhile is told by the end of its id. */
export interface Names {
  of: (by: By, name: string) => string;
}

export function useNames(wanted: readonly By[]): Names {
  const organisation = useOrganisation();
  const agents = useQueries({
    queries: organisation.projects.map((project) => ({
      ...agentsQuery({ organisation: organisation.id, project: project.id }),
      enabled: wanted.includes("agent"),
    })),
    combine: (results) => new Map(results.flatMap(({ data }) => data ?? []).map(({ id, name }) => [id, name])),
  });
  const keys = useQuery({ ...virtualKeysQuery(organisation.id), enabled: wanted.includes("key") }).data ?? [];
  const known: Record<"agent" | "project" | "key", Map<string, string>> = {
    agent: agents,
    project: new Map(organisation.projects.map(({ id, name }) => [id, name])),
    key: new Map(keys.map(({ id, name }) => [id, name])),
  };
  return {
    of: (by, name) => {
      if (name === "" || name === "/") return nobody(by);
      if (by === "model" || by === "provider") return name;
      return known[by].get(name) ?? t("spend.gone", { id: `…${name.slice(-6)}` });
    },
  };
}

function nobody(by: By): string {
  switch (by) {
    case "agent":
      return t("spend.none_agent");
    case "project":
      return t("spend.none_project");
    case "key":
      return t("spend.none_key");
    case "model":
    case "provider":
      return t("spend.none_model");
  }
}

/** The calls of a group; null where the list cannot be narrowed to it. */
export function filterOf(by: By, name: string): CallFilter | null {
  if (name === "" || name === "/") return null;
  if (by === "model") return splitModel(name);
  return { [by]: name };
}
