import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { invitationsQuery, type Invitation } from "@/api/queries/invitations";
import { formatDay, formatMoment } from "@/i18n/format";
import { t } from "@/i18n/translate";
import { useOrganisation } from "@/lib/scope";
import { ActorName } from "@/components/actor-name";
import { Confirm } from "@/components/confirm";
import { DataTable, type Column } from "@/components/data-table";
import { Paged } from "@/components/paged";
import { roleName } from "@/components/role-select";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { notify } from "@/components/ui/toast";
import { useRevokeInvitation } from "@/features/members/queries";
import { Scope } from "@/features/members/scope";

/** Who was invited and has not come yet; nothing at all where nobody was. */
export function Invitations({ mayWrite }: { mayWrite: boolean }) {
  const invitations = useInfiniteQuery(invitationsQuery(useOrganisation().id));
  const [revoking, setRevoking] = useState<Invitation | null>(null);
  const columns = useMemo(() => columnsOf(mayWrite, setRevoking), [mayWrite]);
  return (
    <>
      <Paged query={invitations} empty={null}>
        {(items) => (
          <section className="mt-10">
            <h2 className="text-[1.07rem] font-semibold">{t("invitations.title")}</h2>
            <p className="mt-0.5 mb-4 max-w-prose text-soft">{t("invitations.description")}</p>
            <DataTable caption={t("invitations.title")} columns={columns} rows={items} rowId={(row) => row.id} />
          </section>
        )}
      </Paged>
      {revoking === null ? null : <RevokeInvitation invitation={revoking} onClose={() => setRevoking(null)} />}
    </>
  );
}

function columnsOf(mayWrite: boolean, onRevoke: (invitation: Invitation) => void): Column<Invitation>[] {
  return [
    {
      accessorKey: "email",
      header: () => t("members.person"),
      cell: ({ row }) => <span className="min-w-0 break-words max-sm:text-end">{row.original.email}</span>,
    },
    {
      id: "scope",
      accessorFn: (invitation) => invitation.project_id ?? "",
      header: () => t("members.scope"),
      cell: ({ row }) => <Scope project={row.original.project_id ?? null} />,
    },
    { accessorKey: "role", header: () => t("members.role"), cell: ({ row }) => roleName(row.original.role) },
    {
      id: "inviter",
      enableSorting: false,
      header: () => t("invitations.by"),
      cell: ({ row }) => <ActorName actor={row.original.invited_by ?? "user:"} />,
    },
    { accessorKey: "expires_at", header: () => t("invitations.expires"), cell: ({ row }) => <Expiry at={row.original.expires_at} /> },
    {
      id: "actions",
      enableSorting: false,
      header: () => null,
      cell: ({ row }) => (
        <div className="text-end">
          <Button
            look="danger"
            size="small"
            disabled={!mayWrite}
            aria-label={t("invitations.revoke_named", { email: row.original.email })}
            onClick={() => onRevoke(row.original)}
          >
            {t("invitations.revoke")}
          </Button>
        </div>
      ),
    },
  ];
}

function Expiry({ at }: { at: string }) {
  const [opened] = useState(() => Date.now());
  if (new Date(at).getTime() < opened) return <Badge tone="warn">{t("invitations.expired")}</Badge>;
  return (
    <time dateTime={at} title={formatMoment(at)} className="whitespace-nowrap">
      {formatDay(at)}
    </time>
  );
}

function RevokeInvitation({ invitation, onClose }: { invitation: Invitation; onClose: () => void }) {
  const revoke = useRevokeInvitation(useOrganisation().id);
  const mutate = () =>
    revoke.mutate(invitation.id, {
      onSuccess: () => {
        notify("done", t("invitations.revoked"));
        onClose();
      },
    });
  return (
    <Confirm
      title={t("invitations.revoke_title")}
      description={t("invitations.revoke_hint", { email: invitation.email })}
      action={t("invitations.revoke")}
      mutation={{ mutate, isPending: revoke.isPending, error: revoke.error }}
      onClose={onClose}
    />
  );
}
