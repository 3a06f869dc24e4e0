import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, done, take, type Schemas } from "@/api/client";
import { pagedQuery } from "@/api/queries/pages";

export type OperatorOrganisation = Schemas["OperatedOrganisation"];
export type OrganisationDetail = Schemas["OperatedOrganisationDetail"];

export const organisationsQuery = pagedQuery(["operator", "organisations"], (after) =>
  take(api.GET("/api/operator/organisations", { params: { query: { after } } })),
);

export function organisationQuery(organisation: string) {
  return queryOptions({
    queryKey: ["operator", "organisations", organisation],
    queryFn: () => take(api.GET("/api/operator/organisations/{organisation}", { params: { path: { organisation } } })),
  });
}

export function useCreateOrganisation() {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (body: Schemas["CreateOrganisation"]) => take(api.POST("/api/operator/organisations", { body })),
    onSuccess: refresh,
  });
}

export function useUpdateOrganisation(organisation: string) {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (body: Schemas["OperateOrganisation"]) =>
      take(api.PATCH("/api/operator/organisations/{organisation}", { params: { path: { organisation } }, body })),
    onSuccess: refresh,
  });
}

export function useDeleteOrganisation(organisation: string) {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: () => done(api.DELETE("/api/operator/organisations/{organisation}", { params: { path: { organisation } } })),
    onSuccess: refresh,
  });
}

/** The switcher shows organisations too. */
function useRefresh() {
  const client = useQueryClient();
  return () => Promise.all([client.invalidateQueries({ queryKey: ["operator"] }), client.invalidateQueries({ queryKey: ["me"] })]);
}
