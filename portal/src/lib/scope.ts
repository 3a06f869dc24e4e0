import { createContext, use } from "react";
import type { MyOrganisation, MyProject } from "@/api/queries/me";
import { t } from "@/i18n/translate";
import { can, type Permission } from "@/lib/access";
import { readItem, writeItem } from "@/lib/storage";

/** A project, and the role that counts in it. */
export interface ProjectScope extends Omit<MyProject, "role"> {
  role: string | null;
}

/** The organisation and project that the address names; set by their layout routes. */
export const OrganisationContext = createContext<MyOrganisation | null>(null);
export const ProjectContext = createContext<ProjectScope | null>(null);

export function useOrganisation(): MyOrganisation {
  const organisation = use(OrganisationContext);
  if (organisation === null) throw new Error("used outside an organisation's pages");
  return organisation;
}

export function useProject(): ProjectScope {
  const project = use(ProjectContext);
  if (project === null) throw new Error("used outside a project's pages");
  return project;
}

/** The path parameters of the project's API. */
export function useProjectPath(): { organisation: string; project: string } {
  return { organisation: useOrganisation().id, project: useProject().id };
}

/** The path parameters of the project's pages. */
export function useProjectParams(): { organisation: string; project: string } {
  return { organisation: useOrganisation().name, project: useProject().name };
}

/** False in a suspended organisation too: nothing can be written there. */
export function useCan(permission: Permission): boolean {
  const organisation = useOrganisation();
  const project = use(ProjectContext);
  const reading = permission.endsWith("_read") || permission === "audit";
  if (organisation.status === "suspended" && !reading) return false;
  return can(project === null ? (organisation.role ?? null) : (project.role ?? null), permission);
}

/** Why it may not be done, for the button that is switched off; undefined where it may. */
export function useDenial(permission: Permission): string | undefined {
  const suspended = useOrganisation().status === "suspended";
  if (useCan(permission)) return undefined;
  return suspended ? t("denied.suspended") : t("denied.role");
}

const KEY = "konstruct.scope";

export interface LastScope {
  organisation: string;
  project: string | null;
}

export function rememberScope(scope: LastScope) {
  writeItem(KEY, JSON.stringify([scope.organisation, scope.project]));
}

export function lastScope(): LastScope | null {
  try {
    const stored: unknown = JSON.parse(readItem(KEY) ?? "null");
    if (!Array.isArray(stored)) return null;
    const [organisation, project]: unknown[] = stored;
    if (typeof organisation !== "string") return null;
    return { organisation, project: typeof project === "string" ? project : null };
  } catch {
    return null;
  }
}
