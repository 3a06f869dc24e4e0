import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, done, take, type Schemas } from "@/api/client";
import { describe } from "@/api/errors";
import { t } from "@/i18n/translate";
import { notify } from "@/components/ui/toast";

/** Whoever is no member yet. */
export function useInvite(organisation: string) {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (body: Schemas["CreateInvitation"]) =>
      take(api.POST("/api/organisations/{organisation}/invitations", { params: { path: { organisation } }, body })),
    onSuccess: refresh,
  });
}

export function useRevokeInvitation(organisation: string) {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (invitation: string) =>
      done(api.DELETE("/api/organisations/{organisation}/invitations/{invitation}", { params: { path: { organisation, invitation } } })),
    onSuccess: refresh,
  });
}

/** Whoever is a member already, elsewhere in the organisation. */
export function useAddRole(organisation: string) {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (body: Schemas["AddMember"]) =>
      take(api.POST("/api/organisations/{organisation}/members", { params: { path: { organisation } }, body })),
    onSuccess: refresh,
  });
}

export function useChangeRole(organisation: string) {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: ({ member, role }: { member: string; role: string }) =>
      done(api.PATCH("/api/organisations/{organisation}/members/{member}", { params: { path: { organisation, member } }, body: { role } })),
    onSuccess: () => notify("done", t("members.role_changed")),
    onError: (error) => notify("failed", describe(error)),
    onSettled: refresh,
  });
}

export function useRemoveMember(organisation: string) {
  const refresh = useRefresh();
  return useMutation({
    mutationFn: (member: string) =>
      done(api.DELETE("/api/organisations/{organisation}/members/{member}", { params: { path: { organisation, member } } })),
    onSuccess: refresh,
  });
}

function useRefresh() {
  const client = useQueryClient();
  return () => Promise.all(["members", "invitations", "me"].map((key) => client.invalidateQueries({ queryKey: [key] })));
}
