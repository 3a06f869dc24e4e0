import { queryOptions } from "@tanstack/react-query";
import { api, take, type Schemas } from "@/api/client";

export type Provider = Schemas["Provider"];
export type ModelGroup = Schemas["ModelGroup"];

export function providersQuery(organisation: string) {
  return queryOptions({
    queryKey: ["providers", organisation],
    queryFn: async () => (await take(api.GET("/api/organisations/{organisation}/providers", { params: { path: { organisation } } }))).items,
  });
}

export function modelGroupsQuery(organisation: string) {
  return queryOptions({
    queryKey: ["model-groups", organisation],
    queryFn: async () =>
      (await take(api.GET("/api/organisations/{organisation}/model-groups", { params: { path: { organisation } } }))).items,
  });
}
