import type { QueryClient } from "@tanstack/react-query";
import { createRouter } from "@tanstack/react-router";
import { PageBroken, PageMissing } from "@/components/page-states";
import { accountRoute } from "@/routes/account";
import { appRoute, startRoute } from "@/routes/app";
import { modelsRoutes } from "@/routes/models";
import { operatorRoutes } from "@/routes/operator";
import { organisationRoute, organisationRoutes } from "@/routes/organisation";
import { projectRoute, projectRoutes } from "@/routes/project";
import { chatRoute, invitationRoute, loginRoute } from "@/routes/public";
import { rootRoute } from "@/routes/root";

const tree = rootRoute.addChildren([
  loginRoute,
  invitationRoute,
  chatRoute,
  appRoute.addChildren([
    startRoute,
    accountRoute,
    ...operatorRoutes,
    organisationRoute.addChildren([...organisationRoutes, ...modelsRoutes, projectRoute.addChildren(projectRoutes)]),
  ]),
]);

export function makeRouter(queryClient: QueryClient) {
  return createRouter({
    routeTree: tree,
    context: { queryClient },
    defaultPreload: "intent",
    defaultPreloadStaleTime: 0,
    defaultErrorComponent: PageBroken,
    defaultNotFoundComponent: PageMissing,
    defaultPendingMinMs: 0,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
