import { queryOptions } from "@tanstack/react-query";
import { api, take, type Schemas } from "@/api/client";
import type { ProjectPath } from "@/api/queries/agents";

export type Connection = Schemas["Connection"];

export function connectionsQuery(path: ProjectPath) {
  return queryOptions({
    queryKey: ["connections", path.project],
    queryFn: async () =>
      (await take(api.GET("/api/organisations/{organisation}/projects/{project}/connections", { params: { path } }))).items,
    // Their states change by themselves.
    refetchInterval: 20_000,
  });
}

export function connectionQuery(path: ProjectPath, connection: string) {
  return queryOptions({
    queryKey: ["connections", path.project, connection],
    queryFn: () =>
      take(
        api.GET("/api/organisations/{organisation}/projects/{project}/connections/{connection}", {
          params: { path: { ...path, connection } },
        }),
      ),
    refetchInterval: 10_000,
  });
}
