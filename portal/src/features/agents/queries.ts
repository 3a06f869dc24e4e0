import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, done, take, type Schemas } from "@/api/client";
import { agentQuery, type ProjectPath } from "@/api/queries/agents";
import { useProjectPath } from "@/lib/scope";

export type AgentVersion = Schemas["AgentVersion"];

const AGENT = "/api/organisations/{organisation}/projects/{project}/agents/{agent}";

export function versionsQuery(path: ProjectPath, agent: string) {
  return queryOptions({
    queryKey: ["agents", path.project, agent, "versions"],
    queryFn: async () => (await take(api.GET(`${AGENT}/versions`, { params: { path: { ...path, agent } } }))).items,
  });
}

export function toolsQuery(organisation: string) {
  return queryOptions({
    queryKey: ["tools", organisation],
    queryFn: async () => (await take(api.GET("/api/organisations/{organisation}/tools", { params: { path: { organisation } } }))).items,
    staleTime: 300_000,
  });
}

export function useCreateAgent() {
  const path = useProjectPath();
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (body: Schemas["CreateAgent"]) =>
      take(api.POST("/api/organisations/{organisation}/projects/{project}/agents", { params: { path }, body })),
    onSuccess: refresh,
  });
}

export function useSaveDraft(agent: string) {
  const path = useProjectPath();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: Schemas["ChangeAgent"]) => take(api.PATCH(AGENT, { params: { path: { ...path, agent } }, body })),
    onSuccess: (saved) => {
      client.setQueryData(agentQuery(path, agent).queryKey, saved);
      return client.invalidateQueries({ queryKey: ["agents", path.project], exact: true });
    },
  });
}

export function usePublish(agent: string) {
  const path = useProjectPath();
  const refresh = useRefresh();
  return useMutation({
    mutationFn: () => take(api.POST(`${AGENT}/publish`, { params: { path: { ...path, agent } } })),
    onSuccess: refresh,
  });
}

export function useRollBack(agent: string) {
  const path = useProjectPath();
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (version: number) => take(api.POST(`${AGENT}/rollback`, { params: { path: { ...path, agent } }, body: { version } })),
    onSuccess: refresh,
  });
}

export function useDeleteAgent(agent: string) {
  const path = useProjectPath();
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => done(api.DELETE(AGENT, { params: { path: { ...path, agent } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["agents", path.project], exact: true }),
  });
}

function useRefresh() {
  const client = useQueryClient();
  return () => client.invalidateQueries({ queryKey: ["agents"] });
}
