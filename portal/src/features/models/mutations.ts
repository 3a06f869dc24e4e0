import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, done, take, type Schemas } from "@/api/client";

export function useSaveProvider(organisation: string, provider: string | undefined) {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: ({ name, wire, base_url, api_key }: Schemas["CreateProvider"]) =>
      provider === undefined
        ? take(
            api.POST("/api/organisations/{organisation}/providers", {
              params: { path: { organisation } },
              body: { name, wire, base_url, api_key },
            }),
          )
        : take(
            api.PATCH("/api/organisations/{organisation}/providers/{provider}", {
              params: { path: { organisation, provider } },
              body: { name, base_url, api_key },
            }),
          ),
    onSuccess: refresh,
  });
}

export function useDeleteProvider(organisation: string, provider: string) {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: () =>
      done(api.DELETE("/api/organisations/{organisation}/providers/{provider}", { params: { path: { organisation, provider } } })),
    onSuccess: refresh,
  });
}

export function useSaveGroup(organisation: string, group: string | undefined) {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: ({ name, ...rest }: Schemas["CreateModelGroup"]) =>
      group === undefined
        ? take(
            api.POST("/api/organisations/{organisation}/model-groups", {
              params: { path: { organisation } },
              body: { name, ...rest },
            }),
          )
        : take(
            api.PATCH("/api/organisations/{organisation}/model-groups/{group}", {
              params: { path: { organisation, group } },
              body: rest,
            }),
          ),
    onSuccess: refresh,
  });
}

export function useDeleteGroup(organisation: string, group: string) {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: () =>
      done(api.DELETE("/api/organisations/{organisation}/model-groups/{group}", { params: { path: { organisation, group } } })),
    onSuccess: refresh,
  });
}

function useRefresh() {
  const client = useQueryClient();
  return () =>
    Promise.all([
      client.invalidateQueries({ queryKey: ["providers"] }),
      client.invalidateQueries({ queryKey: ["model-groups"] }),
      client.invalidateQueries({ queryKey: ["model-health"] }),
    ]);
}
