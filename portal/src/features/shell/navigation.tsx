import { useQuery } from "@tanstack/react-query";
import { Link, useParams, type LinkProps } from "@tanstack/react-router";
import {
  Blocks,
  Bot,
  Building2,
  ChartColumn,
  FolderKanban,
  House,
  KeyRound,
  MailWarning,
  MessagesSquare,
  Plug,
  ScrollText,
  Tags,
  Ticket,
  UsersRound,
  Wallet,
  type LucideIcon,
} from "lucide-react";
import type { ReactNode } from "react";
import { meQuery, type Me, type MyOrganisation, type MyProject } from "@/api/queries/me";
import { t } from "@/i18n/translate";
import { lastScope } from "@/lib/scope";
import { Logo } from "@/components/logo";
import { ScopeSwitcher } from "@/features/shell/scope-switcher";
import { UserMenu } from "@/features/shell/user-menu";

export function Navigation() {
  const me = useQuery(meQuery).data;
  const params = useParams({ strict: false });
  if (me === undefined) return null;
  const { organisation, project } = currentScope(me, params);
  return (
    <div className="flex h-full flex-col overflow-y-auto px-3 py-4">
      <div className="px-2 pb-4">
        <Logo />
      </div>
      {me.organisations.length === 0 ? null : (
        <ScopeSwitcher organisations={me.organisations} organisation={organisation} project={project} />
      )}
      <nav aria-label={t("nav.main")} className="mt-4 grid gap-5">
        {organisation !== null && project !== null ? <ProjectLinks organisation={organisation.name} project={project.name} /> : null}
        {organisation !== null ? <ModelLinks organisation={organisation.name} /> : null}
        {organisation !== null ? <OrganisationLinks organisation={organisation.name} /> : null}
        {me.operator ? (
          <Group title={t("nav.installation")}>
            <Item icon={Building2} label={t("nav.operator")} link={{ to: "/operator/organisations" }} />
          </Group>
        ) : null}
      </nav>
      <div className="mt-auto pt-5">{me.user === null || me.user === undefined ? null : <UserMenu user={me.user} />}</div>
    </div>
  );
}

function ProjectLinks(params: { organisation: string; project: string }) {
  return (
    <Group title={t("nav.project")}>
      <Item icon={House} label={t("nav.home")} link={{ to: "/o/$organisation/p/$project", params, activeOptions: { exact: true } }} />
      <Item icon={Bot} label={t("nav.agents")} link={{ to: "/o/$organisation/p/$project/agents", params }} />
      <Item icon={Plug} label={t("nav.connections")} link={{ to: "/o/$organisation/p/$project/connections", params }} />
      <Item icon={MessagesSquare} label={t("nav.conversations")} link={{ to: "/o/$organisation/p/$project/conversations", params }} />
      <Item icon={MailWarning} label={t("nav.dead_letters")} link={{ to: "/o/$organisation/p/$project/dead-letters", params }} />
    </Group>
  );
}

function OrganisationLinks(params: { organisation: string }) {
  return (
    <Group title={t("nav.organisation")}>
      <Item icon={FolderKanban} label={t("nav.projects")} link={{ to: "/o/$organisation/projects", params }} />
      <Item icon={UsersRound} label={t("nav.members")} link={{ to: "/o/$organisation/members", params }} />
      <Item icon={KeyRound} label={t("nav.api_keys")} link={{ to: "/o/$organisation/api-keys", params }} />
      <Item icon={ScrollText} label={t("nav.audit")} link={{ to: "/o/$organisation/audit", params }} />
    </Group>
  );
}

function ModelLinks(params: { organisation: string }) {
  return (
    <Group title={t("nav.models")}>
      <Item icon={Blocks} label={t("nav.model_groups")} link={{ to: "/o/$organisation/models", params, activeOptions: { exact: true } }} />
      <Item icon={ChartColumn} label={t("nav.spend")} link={{ to: "/o/$organisation/models/spend", params }} />
      <Item icon={Ticket} label={t("nav.virtual_keys")} link={{ to: "/o/$organisation/models/keys", params }} />
      <Item icon={Wallet} label={t("nav.budgets")} link={{ to: "/o/$organisation/models/budgets", params }} />
      <Item icon={Tags} label={t("nav.prices")} link={{ to: "/o/$organisation/models/prices", params }} />
    </Group>
  );
}

function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div>
      <p className="px-2.5 pb-1.5 text-[0.8rem] font-medium text-rail-soft">{title}</p>
      <ul className="grid gap-0.5">{children}</ul>
    </div>
  );
}

function Item({ icon: Icon, label, link }: { icon: LucideIcon; label: string; link: LinkProps }) {
  return (
    <li>
      <Link
        {...link}
        className="flex items-center gap-3 rounded-lg px-2.5 py-1.5 text-rail-ink/90 hover:bg-rail-wash focus-visible:outline-rail-ink"
        activeProps={{ className: "bg-rail-wash font-medium text-rail-ink" }}
      >
        <Icon aria-hidden className="size-4.5 text-rail-soft" />
        {label}
      </Link>
    </li>
  );
}

/** What the address names; on pages outside any project, where the person was last. */
function currentScope(
  me: Me,
  params: { organisation?: string; project?: string },
): { organisation: MyOrganisation | null; project: MyProject | null } {
  const last = lastScope();
  const byName = (name: string | undefined) => me.organisations.find((candidate) => candidate.name === name);
  const organisation = byName(params.organisation) ?? byName(last?.organisation) ?? me.organisations[0] ?? null;
  const projects = organisation?.projects ?? [];
  const project =
    projects.find(({ name }) => name === params.project) ?? projects.find(({ name }) => name === last?.project) ?? projects[0] ?? null;
  return { organisation, project };
}
