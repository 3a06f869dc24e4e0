import { createRoute, lazyRouteComponent, redirect } from "@tanstack/react-router";
import { meQuery, type Me } from "@/api/queries/me";
import { refreshSession, sessionState } from "@/api/session";
import { lastScope } from "@/lib/scope";
import { rootRoute } from "@/routes/root";

/** Everything behind the log-in. */
export const appRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: "app",
  beforeLoad: async ({ location }) => {
    if (sessionState() === "unknown") await refreshSession();
    if (sessionState() !== "signed-in") {
      throw redirect({ to: "/login", search: { next: location.href === "/" ? undefined : location.href } });
    }
  },
  loader: ({ context }) => context.queryClient.ensureQueryData(meQuery),
  component: lazyRouteComponent(() => import("@/features/shell/shell"), "Shell"),
});

/** `/` leads to where the person was last, else to the first place they may see. */
export const startRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/",
  beforeLoad: async ({ context }) => {
    const me = await context.queryClient.ensureQueryData(meQuery);
    const place = startOf(me);
    if (place !== null) {
      throw redirect({ to: "/o/$organisation/p/$project", params: place });
    }
    const [organisation] = me.organisations;
    if (organisation !== undefined) throw redirect({ to: "/o/$organisation/projects", params: { organisation: organisation.name } });
    if (me.operator) throw redirect({ to: "/operator/organisations" });
  },
  component: lazyRouteComponent(() => import("@/features/home/no-organisation"), "NoOrganisation"),
});

function startOf(me: Me): { organisation: string; project: string } | null {
  const last = lastScope();
  const remembered = me.organisations.find((organisation) => organisation.name === last?.organisation);
  const organisation = remembered ?? me.organisations.find((candidate) => candidate.projects.length > 0);
  const project = organisation?.projects.find((candidate) => candidate.name === last?.project) ?? organisation?.projects[0];
  return organisation === undefined || project === undefined ? null : { organisation: organisation.name, project: project.name };
}
