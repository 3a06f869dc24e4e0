import { useInfiniteQuery } from "@tanstack/react-query";
import { ScrollText } from "lucide-react";
import { api, take, type Schemas } from "@/api/client";
import { pagedQuery } from "@/api/queries/pages";
import { t } from "@/i18n/translate";
import { useOrganisation } from "@/lib/scope";
import { ActorName } from "@/components/actor-name";
import { DataTable, type Column } from "@/components/data-table";
import { Page } from "@/components/page";
import { Paged } from "@/components/paged";
import { Empty } from "@/components/states";
import { TimeAgo } from "@/components/time-ago";
import { Card } from "@/components/ui/card";

type Entry = Schemas["AuditEntry"];

function auditQuery(organisation: string) {
  return pagedQuery(["audit", organisation], (after) =>
    take(api.GET("/api/organisations/{organisation}/audit", { params: { path: { organisation }, query: { after } } })),
  );
}

const COLUMNS: Column<Entry>[] = [
  { accessorKey: "at", header: () => t("audit.at"), cell: ({ row }) => <TimeAgo at={row.original.at} /> },
  { accessorKey: "actor", header: () => t("audit.actor"), cell: ({ row }) => <ActorName actor={row.original.actor} /> },
  { accessorKey: "action", header: () => t("audit.action"), cell: ({ row }) => row.original.action },
  { accessorKey: "object", header: () => t("audit.object"), cell: ({ row }) => <Mono>{row.original.object}</Mono> },
  { id: "detail", enableSorting: false, header: () => t("audit.detail"), cell: ({ row }) => <Detail detail={row.original.detail} /> },
];

export function AuditPage() {
  const entries = useInfiniteQuery(auditQuery(useOrganisation().id));
  return (
    <Page title={t("audit.title")} description={t("audit.description")}>
      <Paged
        query={entries}
        empty={
          <Card>
            <Empty icon={ScrollText} title={t("audit.empty")}>
              {t("audit.empty_hint")}
            </Empty>
          </Card>
        }
      >
        {(items) => <DataTable caption={t("audit.title")} columns={COLUMNS} rows={items} rowId={(row) => row.id} />}
      </Paged>
    </Page>
  );
}

function Mono({ children }: { children: string }) {
  return <code className="font-mono text-[0.87rem] break-all">{children}</code>;
}

function Detail({ detail }: { detail: unknown }) {
  if (typeof detail !== "object" || detail === null || Object.keys(detail).length === 0) return null;
  return (
    <details className="max-w-md min-w-0">
      <summary className="rounded text-soft hover:text-ink">{t("audit.detail_show")}</summary>
      <pre dir="ltr" className="mt-2 rounded-lg bg-sunken p-3 text-start font-mono text-[0.84rem] break-words whitespace-pre-wrap">
        {JSON.stringify(detail, null, 2)}
      </pre>
    </details>
  );
}
