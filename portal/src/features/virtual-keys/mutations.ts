import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, done, take, type Schemas } from "@/api/client";

const KEYS = "/api/organisations/{organisation}/virtual-keys";
const KEY = `${KEYS}/{virtual_key}` as const;

export function useCreateVirtualKey(organisation: string) {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (body: Schemas["CreateVirtualKey"]) => take(api.POST(KEYS, { params: { path: { organisation } }, body })),
    onSuccess: refresh,
  });
}

export function useChangeVirtualKey(organisation: string, key: string) {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (body: Schemas["ChangeVirtualKey"]) => take(api.PATCH(KEY, { params: { path: { organisation, virtual_key: key } }, body })),
    onSuccess: refresh,
  });
}

export function useDeleteVirtualKey(organisation: string, key: string) {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: () => done(api.DELETE(KEY, { params: { path: { organisation, virtual_key: key } } })),
    onSuccess: refresh,
  });
}

function useRefresh() {
  const client = useQueryClient();
  return () => Promise.all([client.invalidateQueries({ queryKey: ["virtual-keys"] }), client.invalidateQueries({ queryKey: ["budgets"] })]);
}
