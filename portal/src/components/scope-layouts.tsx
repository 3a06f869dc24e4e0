import { useQuery } from "@tanstack/react-query";
import { Outlet, useParams } from "@tanstack/react-router";
import { ShieldAlert } from "lucide-react";
import { useEffect } from "react";
import { meQuery, type Me, type MyOrganisation } from "@/api/queries/me";
import { t } from "@/i18n/translate";
import { higherRole } from "@/lib/access";
import { OrganisationContext, ProjectContext, rememberScope, useOrganisation } from "@/lib/scope";
import { PageMissing } from "@/components/page-states";

/** Resolves the organisation that the address names; its pages render inside. */
export function OrganisationLayout() {
  const { organisation: name } = useParams({ from: "/app/o/$organisation" });
  const me = useQuery(meQuery).data;
  if (me === undefined) return null;
  const organisation = organisationFor(me, name);
  if (organisation === null) return <PageMissing />;
  return (
    <OrganisationContext value={organisation}>
      {organisation.status === "suspended" ? (
        <p role="status" className="flex items-start gap-2.5 border-b bg-warn-wash px-4 py-2.5 text-warn sm:px-8">
          <ShieldAlert aria-hidden className="mt-0.5 size-4.5 shrink-0" />
          {t("suspended.banner")}
        </p>
      ) : null}
      <Outlet />
    </OrganisationContext>
  );
}

export function ProjectLayout() {
  const { project: name } = useParams({ from: "/app/o/$organisation/p/$project" });
  const organisation = useOrganisation();
  const project = organisation.projects.find((candidate) => candidate.name === name);
  const found = project?.name ?? null;
  useEffect(() => {
    if (found !== null) rememberScope({ organisation: organisation.name, project: found });
  }, [organisation.name, found]);
  if (project === undefined) return <PageMissing />;
  const role = higherRole(organisation.role ?? null, project.role ?? null);
  return (
    <ProjectContext value={{ ...project, role }}>
      <Outlet />
    </ProjectContext>
  );
}

/** The operator needs no membership. */
function organisationFor(me: Me, name: string): MyOrganisation | null {
  const found = me.organisations.find((candidate) => candidate.name === name);
  if (found === undefined) return null;
  return me.operator ? { ...found, role: found.role ?? "owner" } : found;
}
