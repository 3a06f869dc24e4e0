import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Building2, Plus } from "lucide-react";
import { useState } from "react";
import { formatDay } from "@/i18n/format";
import { t } from "@/i18n/translate";
import { DataTable, type Column } from "@/components/data-table";
import { Page } from "@/components/page";
import { Paged } from "@/components/paged";
import { Empty } from "@/components/states";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { CreateOrganisation } from "@/features/operator/create-organisation";
import { organisationsQuery, type OperatorOrganisation } from "@/features/operator/queries";
import { StatusBadge } from "@/features/operator/status-badge";

const COLUMNS: Column<OperatorOrganisation>[] = [
  {
    accessorKey: "display_name",
    header: () => t("operator.display_name"),
    cell: ({ row }) => (
      <Link
        to="/operator/organisations/$organisationId"
        params={{ organisationId: row.original.id }}
        className="rounded text-brand hover:underline"
      >
        {row.original.display_name}
      </Link>
    ),
  },
  {
    accessorKey: "name",
    header: () => t("operator.name"),
    cell: ({ row }) => <code className="font-mono text-[0.9rem]">{row.original.name}</code>,
  },
  { accessorKey: "status", header: () => t("operator.status"), cell: ({ row }) => <StatusBadge status={row.original.status} /> },
  { accessorKey: "created_at", header: () => t("operator.created"), cell: ({ row }) => formatDay(row.original.created_at) },
];

export function OrganisationsPage() {
  const organisations = useInfiniteQuery(organisationsQuery);
  const [creating, setCreating] = useState(false);
  const create = (
    <Button look="primary" onClick={() => setCreating(true)}>
      <Plus aria-hidden />
      {t("operator.create")}
    </Button>
  );
  return (
    <Page title={t("operator.title")} description={t("operator.description")} actions={create}>
      <Paged
        query={organisations}
        empty={
          <Card>
            <Empty icon={Building2} title={t("operator.empty")}>
              {t("operator.empty_hint")}
            </Empty>
          </Card>
        }
      >
        {(items) => <DataTable caption={t("operator.title")} columns={COLUMNS} rows={items} rowId={(row) => row.id} />}
      </Paged>
      {creating ? <CreateOrganisation onClose={() => setCreating(false)} /> : null}
    </Page>
  );
}
