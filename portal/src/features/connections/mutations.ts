import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, done, take, type Schemas } from "@/api/client";
import { connectionQuery } from "@/api/queries/connections";
import { useProjectPath } from "@/lib/scope";

const CONNECTION = "/api/organisations/{organisation}/projects/{project}/connections/{connection}";

export function useConnect() {
  const path = useProjectPath();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: Schemas["CreateConnection"]) =>
      take(api.POST("/api/organisations/{organisation}/projects/{project}/connections", { params: { path }, body })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["connections"] }),
  });
}

export function useChangeConnection(connection: string) {
  const path = useProjectPath();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: Schemas["ChangeConnection"]) => take(api.PATCH(CONNECTION, { params: { path: { ...path, connection } }, body })),
    onSuccess: (changed) => {
      client.setQueryData(connectionQuery(path, connection).queryKey, changed);
      return client.invalidateQueries({ queryKey: ["connections"] });
    },
  });
}

export function useDeleteConnection(connection: string) {
  const path = useProjectPath();
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => done(api.DELETE(CONNECTION, { params: { path: { ...path, connection } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["connections", path.project], exact: true }),
  });
}

export function useCheck(connection: string) {
  const path = useProjectPath();
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => take(api.POST(`${CONNECTION}/check`, { params: { path: { ...path, connection } } })),
    // A check may clear or find a problem.
    onSuccess: () => client.invalidateQueries({ queryKey: ["connections"] }),
  });
}
