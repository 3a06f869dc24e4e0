import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Ellipsis, FolderKanban, Pencil, Plus, Trash2 } from "lucide-react";
import { useMemo, useState } from "react";
import { projectsQuery, type Project } from "@/api/queries/projects";
import { formatDay } from "@/i18n/format";
import { t } from "@/i18n/translate";
import { useCan, useDenial, useOrganisation } from "@/lib/scope";
import { DataTable, type Column } from "@/components/data-table";
import { Loaded } from "@/components/loaded";
import { Page } from "@/components/page";
import { Empty } from "@/components/states";
import { Button } from "@/components/ui/button";
import { Card, CardSection } from "@/components/ui/card";
import { Menu, MenuItem } from "@/components/ui/menu";
import { DeleteProject, OrganisationName, ProjectName } from "@/features/projects/project-forms";

type Asking = { kind: "create" } | { kind: "rename" | "delete"; project: Project } | null;

export function ProjectsPage() {
  const organisation = useOrganisation();
  const projects = useQuery(projectsQuery(organisation.id));
  const [asking, setAsking] = useState<Asking>(null);
  const denial = useDenial("project_settings");
  const mayWrite = denial === undefined;
  const mayDelete = useCan("delete_project");
  const columns = useMemo(
    () => columnsOf(organisation.name, { mayWrite, mayDelete, onAsk: setAsking }),
    [organisation.name, mayWrite, mayDelete],
  );
  const close = () => setAsking(null);
  return (
    <Page
      title={t("projects.title")}
      description={t("projects.description")}
      actions={
        <Button look="primary" disabled={!mayWrite} title={denial} onClick={() => setAsking({ kind: "create" })}>
          <Plus aria-hidden />
          {t("projects.create")}
        </Button>
      }
    >
      <div className="grid grid-cols-1 gap-8">
        <Loaded query={projects}>
          {(items) =>
            items.length === 0 ? (
              <Card>
                <Empty icon={FolderKanban} title={t("projects.empty")}>
                  {t("projects.empty_hint")}
                </Empty>
              </Card>
            ) : (
              <DataTable caption={t("projects.title")} columns={columns} rows={items} rowId={(row) => row.id} />
            )
          }
        </Loaded>
        <CardSection title={t("projects.organisation")}>
          <OrganisationName key={organisation.id} organisation={organisation} mayWrite={mayWrite} />
        </CardSection>
      </div>
      {asking?.kind === "create" ? <ProjectName onClose={close} /> : null}
      {asking?.kind === "rename" ? <ProjectName project={asking.project} onClose={close} /> : null}
      {asking?.kind === "delete" ? <DeleteProject project={asking.project} onClose={close} /> : null}
    </Page>
  );
}

interface Rights {
  mayWrite: boolean;
  mayDelete: boolean;
  onAsk: (asking: Asking) => void;
}

function columnsOf(organisation: string, { mayWrite, mayDelete, onAsk }: Rights): Column<Project>[] {
  return [
    {
      accessorKey: "name",
      header: () => t("projects.name"),
      cell: ({ row }) => (
        <Link
          to="/o/$organisation/p/$project"
          params={{ organisation, project: row.original.name }}
          className="rounded text-brand hover:underline"
        >
          {row.original.name}
        </Link>
      ),
    },
    { accessorKey: "created_at", header: () => t("projects.created"), cell: ({ row }) => formatDay(row.original.created_at) },
    {
      id: "actions",
      enableSorting: false,
      header: () => null,
      cell: ({ row }) => (
        <div className="text-end">
          <Menu
            align="end"
            trigger={
              <Button look="quiet" size="icon" aria-label={t("action.more_for", { name: row.original.name })}>
                <Ellipsis aria-hidden />
              </Button>
            }
          >
            <MenuItem disabled={!mayWrite} onSelect={() => onAsk({ kind: "rename", project: row.original })}>
              <Pencil aria-hidden />
              {t("projects.rename")}
            </MenuItem>
            <MenuItem disabled={!mayDelete} onSelect={() => onAsk({ kind: "delete", project: row.original })}>
              <Trash2 aria-hidden />
              {t("action.delete")}
            </MenuItem>
          </Menu>
        </div>
      ),
    },
  ];
}
