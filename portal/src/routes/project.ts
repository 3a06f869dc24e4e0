import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { z } from "zod";
import { ProjectLayout } from "@/components/scope-layouts";
import { organisationRoute } from "@/routes/organisation";

export const projectRoute = createRoute({
  getParentRoute: () => organisationRoute,
  path: "p/$project",
  component: ProjectLayout,
});

const homeRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: "/",
  component: lazyRouteComponent(() => import("@/features/home/home-page"), "HomePage"),
});

const agentsRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: "agents",
  component: lazyRouteComponent(() => import("@/features/agents/agents-page"), "AgentsPage"),
});

const agentRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: "agents/$agent",
  validateSearch: z.object({ tab: z.enum(["design", "changes", "versions"]).optional().catch(undefined) }),
  component: lazyRouteComponent(() => import("@/features/agents/agent-page"), "AgentPage"),
});

const connectionsRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: "connections",
  component: lazyRouteComponent(() => import("@/features/connections/connections-page"), "ConnectionsPage"),
});

const connectSlackRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: "connections/new/slack",
  component: lazyRouteComponent(() => import("@/features/connections/slack-wizard"), "SlackWizard"),
});

const connectionRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: "connections/$connection",
  component: lazyRouteComponent(() => import("@/features/connections/connection-page"), "ConnectionPage"),
});

const conversationsRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: "conversations",
  validateSearch: z.object({
    search: z.string().optional().catch(undefined),
    agent: z.string().optional().catch(undefined),
    connection: z.string().optional().catch(undefined),
  }),
  component: lazyRouteComponent(() => import("@/features/conversations/conversations-page"), "ConversationsPage"),
});

const conversationRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: "conversations/$conversation",
  validateSearch: z.object({ run: z.string().optional().catch(undefined) }),
  component: lazyRouteComponent(() => import("@/features/conversations/conversation-page"), "ConversationPage"),
});

const deadLettersRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: "dead-letters",
  component: lazyRouteComponent(() => import("@/features/dead-letters/dead-letters-page"), "DeadLettersPage"),
});

export const projectRoutes = [
  homeRoute,
  agentsRoute,
  agentRoute,
  connectionsRoute,
  connectSlackRoute,
  connectionRoute,
  conversationsRoute,
  conversationRoute,
  deadLettersRoute,
] as const;
