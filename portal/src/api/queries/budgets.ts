import { queryOptions, useMutation, useQueryClient } from "@tanstack/react-query";
import { api, take, type Schemas } from "@/api/client";
import { readAll } from "@/api/queries/pages";

export type Budget = Schemas["Budget"];

export function budgetsQuery(organisation: string) {
  return queryOptions({
    queryKey: ["budgets", organisation],
    queryFn: () =>
      readAll((after) =>
        take(api.GET("/api/organisations/{organisation}/budgets", { params: { path: { organisation }, query: { after } } })),
      ),
    refetchInterval: 10_000,
  });
}

export function useCreateBudget(organisation: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: Schemas["CreateBudget"]) =>
      take(api.POST("/api/organisations/{organisation}/budgets", { params: { path: { organisation } }, body })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["budgets"] }),
  });
}
