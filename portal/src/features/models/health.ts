import { queryOptions } from "@tanstack/react-query";
import { api, take, type Schemas } from "@/api/client";

export type Health = Schemas["ModelHealth"];

const EVERY_MS = 3_000;

/** Asked again and again as long as somebody looks. */
export function healthQuery(organisation: string, group: string) {
  return queryOptions({
    queryKey: ["model-health", organisation, group],
    queryFn: async () =>
      (await take(api.GET("/api/organisations/{organisation}/model-groups/{group}/health", { params: { path: { organisation, group } } })))
        .items,
    refetchInterval: EVERY_MS,
  });
}
