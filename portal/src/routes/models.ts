import { createRoute, lazyRouteComponent } from "@tanstack/react-router";
import { z } from "zod";
import { organisationRoute } from "@/routes/organisation";

const groupsRoute = createRoute({
  getParentRoute: () => organisationRoute,
  path: "models",
  component: lazyRouteComponent(() => import("@/features/models/models-page"), "ModelsPage"),
});

const text = z.string().optional().catch(undefined);

const spendRoute = createRoute({
  getParentRoute: () => organisationRoute,
  path: "models/spend",
  validateSearch: z.object({
    period: z.enum(["day", "week", "month", "quarter", "custom"]).optional().catch(undefined),
    from: text,
    to: text,
    by: z.enum(["model", "provider", "agent", "project", "key"]).optional().catch(undefined),
    measure: z.enum(["cost", "calls", "tokens"]).optional().catch(undefined),
  }),
  component: lazyRouteComponent(() => import("@/features/spend/spend-page"), "SpendPage"),
});

const callsRoute = createRoute({
  getParentRoute: () => organisationRoute,
  path: "models/calls",
  validateSearch: z.object({
    since: text,
    until: text,
    provider: text,
    model: text,
    agent: text,
    project: text,
    key: text,
    outcome: z.enum(["answered", "failed", "refused", "aborted"]).optional().catch(undefined),
  }),
  component: lazyRouteComponent(() => import("@/features/spend/calls-page"), "CallsPage"),
});

const callRoute = createRoute({
  getParentRoute: () => organisationRoute,
  path: "models/calls/$call",
  component: lazyRouteComponent(() => import("@/features/spend/call-page"), "CallPage"),
});

const keysRoute = createRoute({
  getParentRoute: () => organisationRoute,
  path: "models/keys",
  component: lazyRouteComponent(() => import("@/features/virtual-keys/virtual-keys-page"), "VirtualKeysPage"),
});

const budgetsRoute = createRoute({
  getParentRoute: () => organisationRoute,
  path: "models/budgets",
  component: lazyRouteComponent(() => import("@/features/budgets/budgets-page"), "BudgetsPage"),
});

const pricesRoute = createRoute({
  getParentRoute: () => organisationRoute,
  path: "models/prices",
  component: lazyRouteComponent(() => import("@/features/prices/prices-page"), "PricesPage"),
});

export const modelsRoutes = [groupsRoute, spendRoute, callsRoute, callRoute, keysRoute, budgetsRoute, pricesRoute] as const;
