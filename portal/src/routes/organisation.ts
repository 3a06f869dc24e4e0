import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { OrganisationLayout } from "@/components/scope-layouts";
import { appRoute } from "@/routes/app";

export const organisationRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/o/$organisation",
  component: OrganisationLayout,
});

const projectsRoute = createRoute({
  getParentRoute: () => organisationRoute,
  path: "projects",
  component: lazyRouteComponent(() => import("@/features/projects/projects-page"), "ProjectsPage"),
});

const membersRoute = createRoute({
  getParentRoute: () => organisationRoute,
  path: "members",
  component: lazyRouteComponent(() => import("@/features/members/members-page"), "MembersPage"),
});

const keysRoute = createRoute({
  getParentRoute: () => organisationRoute,
  path: "api-keys",
  component: lazyRouteComponent(() => import("@/features/api-keys/api-keys-page"), "ApiKeysPage"),
});

const auditRoute = createRoute({
  getParentRoute: () => organisationRoute,
  path: "audit",
  component: lazyRouteComponent(() => import("@/features/audit/audit-page"), "AuditPage"),
});

export const organisationRoutes = [projectsRoute, membersRoute, keysRoute, auditRoute] as const;
