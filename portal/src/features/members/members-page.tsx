import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Plus, Trash2, UsersRound } from "lucide-react";
import { useState } from "react";
import { describe } from "@/api/errors";
import { projectsQuery } from "@/api/queries/projects";
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
import { AddMember } from "@/features/members/add-member";
import { membersQuery, useChangeRole, useRemoveMember, type Member } from "@/features/members/queries";

export function MembersPage() {
  const organisation = useOrganisation();
  const members = useInfiniteQuery(membersQuery(organisation.id));
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Member | null>(null);
  const denial = useDenial("members");
  const mayWrite = denial === undefined;
  const columns = useColumns(organisation.id, mayWrite, setRemoving);
  return (
    <Page
      title={t("members.title")}
      description={t("members.description")}
      actions={
        <Button look="primary" disabled={!mayWrite} title={denial} onClick={() => setAdding(true)}>
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
      {adding ? <AddMember onClose={() => setAdding(false)} /> : null}
      {removing === null ? null : <RemoveMember member={removing} onClose={() => setRemoving(null)} />}
    </Page>
  );
}

function useColumns(organisation: string, mayWrite: boolean, onRemove: (member: Member) => void): Column<Member>[] {
  const projects = useQuery(projectsQuery(organisation)).data ?? [];
  const change = useChangeRole(organisation);
  const setRole = (member: Member, role: string) =>
    change.mutate(
      { member: member.id, role },
      { onSuccess: () => notify("done", t("members.role_changed")), onError: (error) => notify("failed", describe(error)) },
    );
  return [
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
      cell: ({ row }) =>
        row.original.project_id === null || row.original.project_id === undefined
          ? t("members.scope_all")
          : (projects.find(({ id }) => id === row.original.project_id)?.name ?? t("nav.project")),
    },
    {
      accessorKey: "role",
      header: () => t("members.role"),
      cell: ({ row }) =>
        mayWrite ? (
          <RoleSelect
            className="w-32"
            aria-label={t("members.role_of", { name: nameOf(row.original) })}
            current={row.original.role}
            value={row.original.role}
            onChange={(event) => setRole(row.original, event.target.value)}
          />
        ) : (
          roleName(row.original.role)
        ),
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
        <div className="text-end">
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
  ];
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

function nameOf({ display_name, email }: Member): string {
  return display_name === "" ? email : display_name;
}
