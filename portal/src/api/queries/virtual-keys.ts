import { queryOptions } from "@tanstack/react-query";
import { api, take, type Schemas } from "@/api/client";
import { readAll } from "@/api/queries/pages";

export type VirtualKey = Schemas["VirtualKey"];

export function virtualKeysQuery(organisation: string) {
  return queryOptions({
    queryKey: ["virtual-keys", organisation],
    queryFn: () =>
      readAll((after) =>
        take(api.GET("/api/organisations/{organisation}/virtual-keys", { params: { path: { organisation }, query: { after } } })),
      ),
  });
}
