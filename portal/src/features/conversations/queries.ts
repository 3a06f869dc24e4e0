import { queryOptions } from "@tanstack/react-query";
import { api, take, type Schemas } from "@/api/client";
import type { ProjectPath } from "@/api/queries/agents";

export type Run = Schemas["Run"];
export type Step = Schemas["Step"];

export function runQuery(path: ProjectPath, run: string) {
  return queryOptions({
    queryKey: ["runs", run],
    queryFn: () => take(api.GET("/api/organisations/{organisation}/projects/{project}/runs/{run}", { params: { path: { ...path, run } } })),
    // A run under way is looked at again until it has ended.
    refetchInterval: ({ state }) => (state.data?.status === "running" || state.data?.status === "waiting" ? 1500 : false),
  });
}
