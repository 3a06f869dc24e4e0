import { useInfiniteQuery } from "@tanstack/react-query";
import { Plus, Trash2, UserPlus, UsersRound } from "lucide-react";
import { useMemo, useState } from "react";
import { membersQuery, type Member } from "@/api/queries/members";
import { formatDay } from "@/i18n/format";
import { t } from "@/i18n/translate";
import { useDenial, useOrganisation } from "@/lib/scope";
import { Confirm } from "@/components/confirm";
import { DataTable, type Column } from "@/components/data-table";
import { Page } from "@/components/page";
import { Paged } from "@/components/paged";
import { RoleSelect, roleName } from "@/components/role-select";
import { Empty } from "@/components/states";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { notify } from "@/components/ui/toast";
import { AddRole } from "@/features/members/add-role";
import { Invitations } from "@/features/members/invitations";
import { InviteMember } from "@/features/members/invite-member";
import { nameOf } from "@/features/members/name";
import { useChangeRole, useRemoveMember } from "@/features/members/queries";
import { Scope } from "@/features/members/scope";

export function MembersPage() {
  const organisation = useOrganisation();
  const members = useInfiniteQuery(membersQuery(organisation.id));
  const [inviting, setInviting] = useState(false);
  const [extending, setExtending] = useState<Member | null>(null);
  const [removing, setRemoving] = useState<Member | null>(null);
  const denial = useDenial("members");
  const mayWrite = denial === undefined;
  const columns = useColumns(mayWrite, setExtending, setRemoving);
  return (
    <Page
      title={t("members.title")}
      description={t("members.description")}
      actions={
        <Button look="primary" disabled={!mayWrite} title={denial} onClick={() => setInviting(true)}>
          <Plus aria-hidden />
          {t("members.add")}
        </Button>
      }
    >
      <Paged
        query={members}
        empty={
          <Card>
            <Empty icon={UsersRound} title={t("members.empty")} />
          </Card>
        }
      >
        {(items) => <DataTable caption={t("members.title")} columns={columns} rows={items} rowId={(row) => row.id} />}
      </Paged>
      <Invitations mayWrite={mayWrite} />
      {inviting ? <InviteMember onClose={() => setInviting(false)} /> : null}
      {extending === null ? null : <AddRole member={extending} onClose={() => setExtending(null)} />}
      {removing === null ? null : <RemoveMember member={removing} onClose={() => setRemoving(null)} />}
    </Page>
  );
}

/** Kept between renders: a cell whose column is made anew is taken down, and loses the focus. */
function useColumns(mayWrite: boolean, onExtend: (member: Member) => void, onRemove: (member: Member) => void): Column<Member>[] {
  return useMemo(
    () => [
      {
        id: "person",
        accessorFn: (member) => member.email,
        header: () => t("members.person"),
        cell: ({ row }) => (
          <div className="min-w-44 leading-snug">
            <p>{nameOf(row.original)}</p>
            {row.original.display_name === "" ? null : <p className="text-[0.9rem] font-normal text-soft">{row.original.email}</p>}
          </div>
        ),
      },
      {
        id: "scope",
        accessorFn: (member) => member.project_id ?? "",
        header: () => t("members.scope"),
        cell: ({ row }) => <Scope project={row.original.project_id ?? null} />,
      },
      {
        accessorKey: "role",
        header: () => t("members.role"),
        cell: ({ row }) => (mayWrite ? <ChangeRole member={row.original} /> : roleName(row.original.role)),
      },
      {
        accessorKey: "created_at",
        header: () => t("members.since"),
        cell: ({ row }) => <span className="whitespace-nowrap">{formatDay(row.original.created_at)}</span>,
      },
      {
        id: "actions",
        enableSorting: false,
        header: () => null,
        cell: ({ row }) => (
          <div className="text-end whitespace-nowrap">
            <Button
              look="quiet"
              size="icon"
              disabled={!mayWrite}
              aria-label={t("members.add_role", { name: nameOf(row.original) })}
              title={t("members.add_role", { name: nameOf(row.original) })}
              onClick={() => onExtend(row.original)}
            >
              <UserPlus aria-hidden />
            </Button>
            <Button
              look="quiet"
              size="icon"
              disabled={!mayWrite}
              aria-label={t("action.remove_named", { name: nameOf(row.original) })}
              onClick={() => onRemove(row.original)}
            >
              <Trash2 aria-hidden />
            </Button>
          </div>
        ),
      },
    ],
    [mayWrite, onExtend, onRemove],
  );
}

function ChangeRole({ member }: { member: Member }) {
  const change = useChangeRole(useOrganisation().id);
  return (
    <RoleSelect
      className="w-32"
      aria-label={t("members.role_of", { name: nameOf(member) })}
      current={member.role}
      value={change.isPending ? change.variables.role : member.role}
      onChange={(event) => change.mutate({ member: member.id, role: event.target.value })}
    />
  );
}

function RemoveMember({ member, onClose }: { member: Member; onClose: () => void }) {
  const remove = useRemoveMember(useOrganisation().id);
  const mutate = () =>
    remove.mutate(member.id, {
      onSuccess: () => {
        notify("done", t("members.removed"));
        onClose();
      },
    });
  return (
    <Confirm
      title={t("members.remove_title")}
      description={t("members.remove_hint", { name: nameOf(member) })}
      action={t("action.remove")}
      mutation={{ mutate, isPending: remove.isPending, error: remove.error }}
      onClose={onClose}
    />
  );
}
