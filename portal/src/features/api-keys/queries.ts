import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, done, take, type Schemas } from "@/api/client";

export type ApiKey = Schemas["ApiKey"];

export function keysQuery(organisation: string) {
  return queryOptions({
    queryKey: ["api-keys", organisation],
    queryFn: async () => (await take(api.GET("/api/organisations/{organisation}/api-keys", { params: { path: { organisation } } }))).items,
  });
}

export function useCreateKey(organisation: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: Schemas["CreateApiKey"]) =>
      take(api.POST("/api/organisations/{organisation}/api-keys", { params: { path: { organisation } }, body })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["api-keys"] }),
  });
}

export function useRevokeKey(organisation: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (key: string) =>
      done(api.DELETE("/api/organisations/{organisation}/api-keys/{key}", { params: { path: { organisation, key } } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["api-keys"] }),
  });
}
