import { zodResolver } from "@hookform/resolvers/zod";
import { useQuery } from "@tanstack/react-query";
import { useBlocker, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { Ellipsis, Trash2 } from "lucide-react";
import { useState } from "react";
import { useForm } from "react-hook-form";
import { describe } from "@/api/errors";
import { agentQuery, type Agent } from "@/api/queries/agents";
import { t } from "@/i18n/translate";
import { useCan, useProjectParams, useProjectPath } from "@/lib/scope";
import { AgentFace } from "@/components/agent-face";
import { Confirm } from "@/components/confirm";
import { Loaded } from "@/components/loaded";
import { Page } from "@/components/page";
import { Button } from "@/components/ui/button";
import { Menu, MenuItem } from "@/components/ui/menu";
import { Tab, TabList, TabPanel, TabsRoot } from "@/components/ui/tabs";
import { notify } from "@/components/ui/toast";
import { AgentBadges } from "@/features/agents/agent-badges";
import { Changes } from "@/features/agents/changes";
import { formSchema, toConfig, toForm, type AgentForm } from "@/features/agents/config";
import { Designer } from "@/features/agents/designer";
import { changesBetween } from "@/features/agents/diff";
import { useDeleteAgent, usePublish, useSaveDraft } from "@/features/agents/queries";
import { TryChat } from "@/features/agents/try-chat";
import { Versions } from "@/features/agents/versions";

export function AgentPage() {
  const { agent: id } = useParams({ from: "/app/o/$organisation/p/$project/agents/$agent" });
  const params = useProjectParams();
  const agent = useQuery(agentQuery(useProjectPath(), id));
  if (agent.data === undefined) {
    return (
      <Page title={t("agents.one")} back={{ link: { to: "/o/$organisation/p/$project/agents", params }, label: t("agents.all") }}>
        <Loaded query={agent} rows={8}>
          {() => null}
        </Loaded>
      </Page>
    );
  }
  return <Workbench key={id} agent={agent.data} />;
}

/** Form, changes and versions of one agent, with the try-it chat beside them. */
function Workbench({ agent }: { agent: Agent }) {
  const params = useProjectParams();
  const search = useSearch({ from: "/app/o/$organisation/p/$project/agents/$agent" });
  const navigate = useNavigate({ from: "/o/$organisation/p/$project/agents/$agent" });
  const mayWrite = useCan("agents");
  const form = useForm<AgentForm>({ resolver: zodResolver(formSchema), defaultValues: toForm(agent.name, agent.draft) });
  const save = useSaveDraft(agent.id);
  const publish = usePublish(agent.id);
  const { isDirty } = form.formState;
  useBlocker({
    shouldBlockFn: ({ current, next }) => current.pathname !== next.pathname && isDirty && !window.confirm(t("agents.leave")),
    enableBeforeUnload: isDirty,
  });

  const saveDraft = async (): Promise<boolean> => {
    if (!mayWrite || !form.formState.isDirty) return true;
    if (!(await form.trigger())) {
      void navigate({ search: {} });
      notify("failed", t("agents.invalid"));
      return false;
    }
    const values = form.getValues();
    try {
      const saved = await save.mutateAsync({ name: values.name.trim(), draft: toConfig(values) });
      form.reset(toForm(saved.name, saved.draft));
      return true;
    } catch (error) {
      notify("failed", describe(error));
      return false;
    }
  };
  const publishDraft = async () => {
    if (!(await saveDraft())) return;
    publish.mutate(undefined, {
      onSuccess: ({ version }) => notify("done", t("agents.published_done", { version })),
      onError: (error) => notify("failed", describe(error)),
    });
  };
  const changes = changesBetween(agent.published ?? null, agent.draft);
  return (
    <Page
      wide
      title={agent.name}
      heading={
        <span className="flex flex-wrap items-center gap-3">
          <AgentFace name={agent.name} icon={agent.draft.icon} />
          {agent.name}
          <AgentBadges agent={agent} />
        </span>
      }
      back={{ link: { to: "/o/$organisation/p/$project/agents", params }, label: t("agents.all") }}
      actions={
        <>
          <p role="status" className="text-soft">
            {save.isPending ? t("agents.saving") : isDirty ? t("agents.unsaved") : t("agents.saved")}
          </p>
          <Button disabled={!mayWrite || !isDirty} busy={save.isPending} onClick={() => void saveDraft()}>
            {t("agents.save_draft")}
          </Button>
          <Button
            look="primary"
            disabled={!mayWrite || !(agent.changed || isDirty)}
            busy={publish.isPending}
            onClick={() => void publishDraft()}
          >
            {t("agents.publish")}
          </Button>
          <More agent={agent} mayWrite={mayWrite} onDeleted={() => form.reset()} />
        </>
      }
    >
      <div className="grid items-start gap-8 xl:grid-cols-[minmax(0,1fr)_27rem]">
        <TabsRoot
          value={search.tab ?? "design"}
          onValueChange={(tab) =>
            void navigate({ search: { tab: tab === "changes" || tab === "versions" ? tab : undefined }, replace: true })
          }
        >
          <TabList aria-label={agent.name}>
            <Tab value="design">{t("agents.tab_design")}</Tab>
            <Tab value="changes">{t("agents.tab_changes", { count: changes.length })}</Tab>
            <Tab value="versions">{t("agents.tab_versions")}</Tab>
          </TabList>
          <TabPanel value="design">
            <Designer form={form} mayWrite={mayWrite} />
          </TabPanel>
          <TabPanel value="changes">
            <Changes changes={changes} first={agent.published === null || agent.published === undefined} />
          </TabPanel>
          <TabPanel value="versions">
            <Versions agent={agent} mayWrite={mayWrite} onRolledBack={(now) => form.reset(toForm(now.name, now.draft))} />
          </TabPanel>
        </TabsRoot>
        <TryChat agent={agent} mayWrite={mayWrite} beforeSend={saveDraft} />
      </div>
    </Page>
  );
}

function More({ agent, mayWrite, onDeleted }: { agent: Agent; mayWrite: boolean; onDeleted: () => void }) {
  const params = useProjectParams();
  const navigate = useNavigate();
  const [asking, setAsking] = useState(false);
  const remove = useDeleteAgent(agent.id);
  const mutate = () =>
    remove.mutate(undefined, {
      onSuccess: () => {
        onDeleted();
        void navigate({ to: "/o/$organisation/p/$project/agents", params });
      },
    });
  return (
    <>
      <Menu
        align="end"
        trigger={
          <Button look="quiet" size="icon" aria-label={t("action.more_for", { name: agent.name })}>
            <Ellipsis aria-hidden />
          </Button>
        }
      >
        <MenuItem disabled={!mayWrite} onSelect={() => setAsking(true)}>
          <Trash2 aria-hidden />
          {t("agents.delete")}
        </MenuItem>
      </Menu>
      {asking ? (
        <Confirm
          title={t("agents.delete_title", { name: agent.name })}
          description={t("agents.delete_hint")}
          action={t("agents.delete")}
          typed={agent.name}
          mutation={{ mutate, isPending: remove.isPending, error: remove.error }}
          onClose={() => setAsking(false)}
        />
      ) : null}
    </>
  );
}
