import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { z } from "zod";
import { rootRoute } from "@/routes/root";

export const loginRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/login",
  // Only a path of this site: anything else would let a link send people elsewhere after they logged in.
  validateSearch: z.object({
    next: z
      .string()
      .regex(/^\/(?![/\\])/)
      .optional()
      .catch(undefined),
  }),
  component: lazyRouteComponent(() => import("@/features/auth/login-page"), "LoginPage"),
});

export const invitationRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/invitation",
  component: lazyRouteComponent(() => import("@/features/auth/invitation-page"), "InvitationPage"),
});

export const chatRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: "/chat/$connection",
  component: lazyRouteComponent(() => import("@/features/chat/chat-page"), "ChatPage"),
});
