import { api, take, type Schemas } from "@/api/client";
import { pagedQuery } from "@/api/queries/pages";

export type Member = Schemas["Member"];

export function membersQuery(organisation: string) {
  return pagedQuery(["members", organisation], (after) =>
    take(api.GET("/api/organisations/{organisation}/members", { params: { path: { organisation }, query: { after } } })),
  );
}
