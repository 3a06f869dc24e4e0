import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, done, take, type Schemas } from "@/api/client";

export type Price = Schemas["Price"];
export type PriceInUse = Schemas["PriceInUse"];

export function pricesQuery(organisation: string) {
  return queryOptions({
    queryKey: ["prices", organisation],
    queryFn: async () => (await take(api.GET("/api/organisations/{organisation}/prices", { params: { path: { organisation } } }))).items,
  });
}

/** What holds for each model that is really used. */
export function pricesInUseQuery(organisation: string) {
  return queryOptions({
    queryKey: ["prices", organisation, "in-use"],
    queryFn: async () =>
      (await take(api.GET("/api/organisations/{organisation}/prices/in-use", { params: { path: { organisation } } }))).items,
  });
}

export function useSetPrice(organisation: string) {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (body: Schemas["SetPrice"]) =>
      take(api.PUT("/api/organisations/{organisation}/prices", { params: { path: { organisation } }, body })),
    onSuccess: refresh,
  });
}

export function useRemovePrice(organisation: string, price: string) {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: () => done(api.DELETE("/api/organisations/{organisation}/prices/{price}", { params: { path: { organisation, price } } })),
    onSuccess: refresh,
  });
}

function useRefresh() {
  const client = useQueryClient();
  return () => client.invalidateQueries({ queryKey: ["prices"] });
}
