import { useQuery } from "@tanstack/react-query";
import type { ComponentProps } from "react";
import { projectsQuery } from "@/api/queries/projects";
import { t } from "@/i18n/translate";
import { useOrganisation } from "@/lib/scope";
import { Select } from "@/components/ui/input";

/** Where a role counts. */
export function Scope({ project }: { project: string | null }) {
  const projects = useQuery(projectsQuery(useOrganisation().id)).data;
  if (project === null) return t("members.scope_all");
  return projects?.find(({ id }) => id === project)?.name ?? t("nav.project");
}

/** The whole organisation, which is the empty value, or one of its projects. */
export function ScopeSelect(props: ComponentProps<"select">) {
  const projects = useQuery(projectsQuery(useOrganisation().id)).data ?? [];
  return (
    <Select {...props}>
      <option value="">{t("members.scope_all")}</option>
      {projects.map((project) => (
        <option key={project.id} value={project.id}>
          {project.name}
        </option>
      ))}
    </Select>
  );
}
