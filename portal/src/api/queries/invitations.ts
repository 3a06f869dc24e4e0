import { api, take, type Schemas } from "@/api/client";
import { pagedQuery } from "@/api/queries/pages";

export type Invitation = Schemas["Invitation"];

/** Those that wait to be accepted. */
export function invitationsQuery(organisation: string) {
  return pagedQuery(["invitations", organisation], (after) =>
    take(api.GET("/api/organisations/{organisation}/invitations", { params: { path: { organisation }, query: { after } } })),
  );
}
