import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { appRoute } from "@/routes/app";

const listRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/operator/organisations",
  component: lazyRouteComponent(() => import("@/features/operator/organisations-page"), "OrganisationsPage"),
});

const oneRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/operator/organisations/$organisationId",
  component: lazyRouteComponent(() => import("@/features/operator/organisation-page"), "OrganisationPage"),
});

export const operatorRoutes = [listRoute, oneRoute] as const;
