import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, take, type Schemas } from "@/api/client";
import { pagedQuery } from "@/api/queries/pages";
import type { Span } from "@/features/spend/period";

export type ModelCall = Schemas["ModelCall"];

export const BYS = ["model", "provider", "agent", "project", "key"] as const;
export type By = (typeof BYS)[number];

export function usageQuery(organisation: string, span: Span, by: By) {
  return queryOptions({
    queryKey: ["usage", organisation, span, by],
    queryFn: () => take(api.GET("/api/organisations/{organisation}/usage", { params: { path: { organisation }, query: { ...span, by } } })),
    // Another grouping redraws what stands; the page does not blink.
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  });
}

export const OUTCOMES = ["answered", "failed", "refused", "aborted"] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** Which calls are listed; stands in the page's address. */
export interface CallFilter {
  since?: string | undefined;
  until?: string | undefined;
  provider?: string | undefined;
  model?: string | undefined;
  agent?: string | undefined;
  project?: string | undefined;
  key?: string | undefined;
  outcome?: Outcome | undefined;
}

export function callsQuery(organisation: string, { agent, project, key, ...rest }: CallFilter) {
  const query = { ...rest, agent_id: agent, project_id: project, key_id: key };
  return pagedQuery(["model-calls", organisation, query], (after) =>
    take(api.GET("/api/organisations/{organisation}/model-calls", { params: { path: { organisation }, query: { ...query, after } } })),
  );
}

export function callQuery(organisation: string, call: string) {
  return queryOptions({
    queryKey: ["model-calls", organisation, "one", call],
    queryFn: () => take(api.GET("/api/organisations/{organisation}/model-calls/{call}", { params: { path: { organisation, call } } })),
    staleTime: 300_000,
  });
}
