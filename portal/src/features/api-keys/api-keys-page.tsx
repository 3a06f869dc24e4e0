import { useQuery } from "@tanstack/react-query";
import { KeyRound, Plus } from "lucide-react";
import { useMemo, useState } from "react";
import { formatDay } from "@/i18n/format";
import { t } from "@/i18n/translate";
import { useDenial, useOrganisation } from "@/lib/scope";
import { Confirm } from "@/components/confirm";
import { DataTable, type Column } from "@/components/data-table";
import { Loaded } from "@/components/loaded";
import { Page } from "@/components/page";
import { roleName } from "@/components/role-select";
import { Empty } from "@/components/states";
import { TimeAgo } from "@/components/time-ago";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { notify } from "@/components/ui/toast";
import { CreateKey } from "@/features/api-keys/create-key";
import { keysQuery, useRevokeKey, type ApiKey } from "@/features/api-keys/queries";

export function ApiKeysPage() {
  const organisation = useOrganisation().id;
  const keys = useQuery(keysQuery(organisation));
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<ApiKey | null>(null);
  const denial = useDenial("keys");
  const mayWrite = denial === undefined;
  const columns = useMemo(() => columnsOf(mayWrite, setRevoking), [mayWrite]);
  return (
    <Page
      title={t("keys.title")}
      description={t("keys.description")}
      actions={
        <Button look="primary" disabled={!mayWrite} title={denial} onClick={() => setCreating(true)}>
          <Plus aria-hidden />
          {t("keys.create")}
        </Button>
      }
    >
      <Loaded query={keys}>
        {(items) =>
          items.length === 0 ? (
            <Card>
              <Empty icon={KeyRound} title={t("keys.empty")}>
                {t("keys.empty_hint")}
              </Empty>
            </Card>
          ) : (
            <DataTable caption={t("keys.title")} columns={columns} rows={items} rowId={(row) => row.id} />
          )
        }
      </Loaded>
      {creating ? <CreateKey onClose={() => setCreating(false)} /> : null}
      {revoking === null ? null : <RevokeKey apiKey={revoking} onClose={() => setRevoking(null)} />}
    </Page>
  );
}

function columnsOf(mayWrite: boolean, onRevoke: (key: ApiKey) => void): Column<ApiKey>[] {
  return [
    { accessorKey: "name", header: () => t("keys.name"), cell: ({ row }) => row.original.name },
    {
      accessorKey: "prefix",
      enableSorting: false,
      header: () => t("keys.key"),
      cell: ({ row }) => <code className="font-mono text-[0.9rem] whitespace-nowrap">{`${row.original.prefix}…`}</code>,
    },
    { accessorKey: "role", header: () => t("keys.role"), cell: ({ row }) => roleName(row.original.role) },
    {
      accessorKey: "last_used_at",
      header: () => t("keys.last_used"),
      cell: ({ row: { original } }) =>
        original.last_used_at === null || original.last_used_at === undefined ? t("time.never") : <TimeAgo at={original.last_used_at} />,
    },
    { accessorKey: "expires_at", header: () => t("keys.expires"), cell: ({ row }) => <Expiry at={row.original.expires_at ?? null} /> },
    {
      id: "actions",
      enableSorting: false,
      header: () => null,
      cell: ({ row }) => (
        <div className="text-end">
          <Button look="danger" size="small" disabled={!mayWrite} onClick={() => onRevoke(row.original)}>
            {t("keys.revoke")}
          </Button>
        </div>
      ),
    },
  ];
}

function Expiry({ at }: { at: string | null }) {
  const [opened] = useState(() => Date.now());
  if (at === null) return t("time.never");
  return new Date(at).getTime() < opened ? (
    <Badge tone="warn">{t("keys.expired")}</Badge>
  ) : (
    <span className="whitespace-nowrap">{formatDay(at)}</span>
  );
}

function RevokeKey({ apiKey, onClose }: { apiKey: ApiKey; onClose: () => void }) {
  const revoke = useRevokeKey(useOrganisation().id);
  const mutate = () =>
    revoke.mutate(apiKey.id, {
      onSuccess: () => {
        notify("done", t("keys.revoked"));
        onClose();
      },
    });
  return (
    <Confirm
      title={t("keys.revoke_title")}
      description={t("keys.revoke_hint", { name: apiKey.name })}
      action={t("keys.revoke")}
      mutation={{ mutate, isPending: revoke.isPending, error: revoke.error }}
      onClose={onClose}
    />
  );
}
