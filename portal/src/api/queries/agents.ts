import { queryOptions } from "@tanstack/react-query";
import { api, take, type Schemas } from "@/api/client";

export type Agent = Schemas["Agent"];

export interface ProjectPath {
  organisation: string;
  project: string;
}

export function agentsQuery(path: ProjectPath) {
  return queryOptions({
    queryKey: ["agents", path.project],
    queryFn: async () => (await take(api.GET("/api/organisations/{organisation}/projects/{project}/agents", { params: { path } }))).items,
  });
}

export function agentQuery(path: ProjectPath, agent: string) {
  return queryOptions({
    queryKey: ["agents", path.project, agent],
    queryFn: () =>
      take(api.GET("/api/organisations/{organisation}/projects/{project}/agents/{agent}", { params: { path: { ...path, agent } } })),
  });
}
