import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, type LinkProps } from "@tanstack/react-router";
import { Check } from "lucide-react";
import { agentsQuery } from "@/api/queries/agents";
import { connectionsQuery } from "@/api/queries/connections";
import { conversationsQuery } from "@/api/queries/conversations";
import { providersQuery } from "@/api/queries/models";
import { t } from "@/i18n/translate";
import { cn } from "@/lib/cn";
import { useOrganisation, useProjectParams, useProjectPath } from "@/lib/scope";
import { CardSection } from "@/components/ui/card";

interface Item {
  title: string;
  hint: string;
  done: boolean;
  link: LinkProps;
}

/** What remains to be done until somebody is answered; gone when all is done. Each tick is looked up, none is assumed. */
export function GettingStarted() {
  const organisation = useOrganisation();
  const path = useProjectPath();
  const params = useProjectParams();
  const providers = useQuery(providersQuery(organisation.id)).data;
  const agents = useQuery(agentsQuery(path)).data;
  const connections = useQuery(connectionsQuery(path)).data;
  const conversations = useInfiniteQuery(conversationsQuery(path, { limit: 6 })).data;
  if (providers === undefined || agents === undefined || connections === undefined || conversations === undefined) return null;
  const items: Item[] = [
    {
      title: t("home.step_model"),
      hint: t("home.step_model_hint"),
      done: providers.some(({ wire, base_url, has_key }) => has_key || (wire !== "builtin" && base_url !== "")),
      link: { to: "/o/$organisation/models", params },
    },
    {
      title: t("home.step_agent"),
      hint: t("home.step_agent_hint"),
      done: agents.length > 0,
      link: { to: "/o/$organisation/p/$project/agents", params },
    },
    {
      title: t("home.step_publish"),
      hint: t("home.step_publish_hint"),
      done: agents.some(({ published_version }) => typeof published_version === "number"),
      link: { to: "/o/$organisation/p/$project/agents", params },
    },
    {
      title: t("home.step_connect"),
      hint: t("home.step_connect_hint"),
      done: connections.length > 0,
      link: { to: "/o/$organisation/p/$project/connections", params },
    },
    {
      title: t("home.step_talk"),
      hint: t("home.step_talk_hint"),
      done: conversations.items.length > 0,
      link: { to: "/o/$organisation/p/$project/agents", params },
    },
  ];
  if (items.every(({ done }) => done)) return null;
  return (
    <CardSection title={t("home.checklist")}>
      <ol className="grid gap-1">
        {items.map(({ title, hint, done, link }) => (
          <li key={title}>
            <Link {...link} className="-mx-2 flex items-start gap-3 rounded-lg px-2 py-2 hover:bg-sunken/60">
              <span
                className={cn(
                  "mt-0.5 grid size-5 shrink-0 place-items-center rounded-full border",
                  done ? "border-transparent bg-ok-wash text-ok" : "border-line-strong",
                )}
              >
                {done ? <Check aria-hidden className="size-3.5" /> : null}
                <span className="sr-only">{done ? t("home.checklist_done") : t("home.checklist_open")}</span>
              </span>
              <span>
                <span className={cn("font-medium", done && "text-soft line-through decoration-line-strong")}>{title}</span>
                {done ? null : <span className="block text-[0.93rem] text-soft">{hint}</span>}
              </span>
            </Link>
          </li>
        ))}
      </ol>
    </CardSection>
  );
}
