import { queryOptions } from "@tanstack/react-query";
import { api, take, type Schemas } from "@/api/client";

export type Project = Schemas["Project"];

export function projectsQuery(organisation: string) {
  return queryOptions({
    queryKey: ["projects", organisation],
    queryFn: async () => (await take(api.GET("/api/organisations/{organisation}/projects", { params: { path: { organisation } } }))).items,
  });
}
