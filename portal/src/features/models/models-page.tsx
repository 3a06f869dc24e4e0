import { useQuery } from "@tanstack/react-query";
import { Boxes, Pencil, Plus, Server, Trash2 } from "lucide-react";
import { useState } from "react";
import { modelGroupsQuery, providersQuery, type ModelGroup, type Provider } from "@/api/queries/models";
import { t } from "@/i18n/translate";
import { useCan, useOrganisation } from "@/lib/scope";
import { Confirm } from "@/components/confirm";
import { Loaded } from "@/components/loaded";
import { Page } from "@/components/page";
import { Empty } from "@/components/states";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { CardSection } from "@/components/ui/card";
import { GroupForm } from "@/features/models/group-form";
import { useDeleteGroup, useDeleteProvider } from "@/features/models/mutations";
import { ProviderForm } from "@/features/models/provider-form";
import { wireName } from "@/features/models/wire";

type Asking =
  | { kind: "provider"; provider?: Provider }
  | { kind: "group"; group?: ModelGroup }
  | { kind: "delete-provider"; provider: Provider }
  | { kind: "delete-group"; group: ModelGroup }
  | null;

export function ModelsPage() {
  const [asking, setAsking] = useState<Asking>(null);
  const close = () => setAsking(null);
  return (
    <Page title={t("models.title")} description={t("models.description")}>
      <div className="grid items-start gap-6 xl:grid-cols-2">
        <Groups onAsk={setAsking} />
        <Providers onAsk={setAsking} />
      </div>
      {asking?.kind === "provider" ? <ProviderForm provider={asking.provider} onClose={close} /> : null}
      {asking?.kind === "group" ? <GroupForm group={asking.group} onClose={close} /> : null}
      {asking?.kind === "delete-provider" ? <DeleteProvider provider={asking.provider} onClose={close} /> : null}
      {asking?.kind === "delete-group" ? <DeleteGroup group={asking.group} onClose={close} /> : null}
    </Page>
  );
}

function Groups({ onAsk }: { onAsk: (asking: Asking) => void }) {
  const groups = useQuery(modelGroupsQuery(useOrganisation().id));
  const mayWrite = useCan("connections");
  return (
    <CardSection
      title={t("models.groups")}
      description={t("models.groups_hint")}
      action={
        <Button size="small" disabled={!mayWrite} onClick={() => onAsk({ kind: "group" })}>
          <Plus aria-hidden />
          {t("models.group_add")}
        </Button>
      }
    >
      <Loaded query={groups}>
        {(items) =>
          items.length === 0 ? (
            <Empty icon={Boxes} title={t("models.group_empty")}>
              {t("models.group_empty_hint")}
            </Empty>
          ) : (
            <ul className="-mb-2 divide-y">
              {items.map((group) => (
                <li key={group.id} className="flex items-start gap-3 py-3.5">
                  <div className="min-w-0 grow">
                    <p className="font-semibold">{group.name}</p>
                    <ol className="mt-1 grid gap-0.5 text-soft">
                      {group.models.map((target, index) => (
                        <li key={`${index}-${target.model}`} className="flex gap-2">
                          <span className="tabular-nums">{`${index + 1}.`}</span>
                          <span className="min-w-0 break-words">
                            <span className="text-ink">{target.model}</span> {`· ${target.provider}`}
                          </span>
                        </li>
                      ))}
                      {group.fallbacks.length === 0 ? null : <li>{t("models.group_fallback", { names: group.fallbacks.join(", ") })}</li>}
                    </ol>
                  </div>
                  <Actions
                    name={group.name}
                    mayWrite={mayWrite}
                    onEdit={() => onAsk({ kind: "group", group })}
                    onDelete={() => onAsk({ kind: "delete-group", group })}
                  />
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </CardSection>
  );
}

function Providers({ onAsk }: { onAsk: (asking: Asking) => void }) {
  const providers = useQuery(providersQuery(useOrganisation().id));
  const mayWrite = useCan("connections");
  return (
    <CardSection
      title={t("models.providers")}
      description={t("models.providers_hint")}
      action={
        <Button size="small" disabled={!mayWrite} onClick={() => onAsk({ kind: "provider" })}>
          <Plus aria-hidden />
          {t("models.provider_add")}
        </Button>
      }
    >
      <Loaded query={providers}>
        {(items) =>
          items.length === 0 ? (
            <Empty icon={Server} title={t("models.provider_empty")}>
              {t("models.provider_empty_hint")}
            </Empty>
          ) : (
            <ul className="-mb-2 divide-y">
              {items.map((provider) => (
                <li key={provider.id} className="flex items-start gap-3 py-3.5">
                  <div className="min-w-0 grow">
                    <p className="flex flex-wrap items-center gap-2 font-semibold">
                      {provider.name} <KeyBadge provider={provider} />
                    </p>
                    <p className="text-soft">{wireName(provider.wire)}</p>
                    {provider.base_url === "" ? null : <p className="font-mono text-[0.87rem] break-all text-soft">{provider.base_url}</p>}
                  </div>
                  <Actions
                    name={provider.name}
                    mayWrite={mayWrite}
                    onEdit={() => onAsk({ kind: "provider", provider })}
                    onDelete={() => onAsk({ kind: "delete-provider", provider })}
                  />
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </CardSection>
  );
}

function KeyBadge({ provider }: { provider: Provider }) {
  if (provider.has_key) return <Badge tone="ok">{t("models.provider_key_set")}</Badge>;
  if (provider.wire === "builtin" || provider.wire === "ollama") return <Badge>{t("models.provider_none_needed")}</Badge>;
  return <Badge tone="warn">{t("models.provider_key_missing")}</Badge>;
}

interface ActionsProps {
  name: string;
  mayWrite: boolean;
  onEdit: () => void;
  onDelete: () => void;
}

function Actions({ name, mayWrite, onEdit, onDelete }: ActionsProps) {
  return (
    <div className="flex">
      <Button look="quiet" size="icon" disabled={!mayWrite} aria-label={`${t("action.edit")} ${name}`} onClick={onEdit}>
        <Pencil aria-hidden />
      </Button>
      <Button look="quiet" size="icon" disabled={!mayWrite} aria-label={t("action.remove_named", { name })} onClick={onDelete}>
        <Trash2 aria-hidden />
      </Button>
    </div>
  );
}

function DeleteProvider({ provider, onClose }: { provider: Provider; onClose: () => void }) {
  const remove = useDeleteProvider(useOrganisation().id, provider.id);
  return (
    <Confirm
      title={t("models.provider_delete_title", { name: provider.name })}
      description={t("models.provider_delete_hint")}
      action={t("action.delete")}
      mutation={{ mutate: () => remove.mutate(undefined, { onSuccess: onClose }), isPending: remove.isPending, error: remove.error }}
      onClose={onClose}
    />
  );
}

function DeleteGroup({ group, onClose }: { group: ModelGroup; onClose: () => void }) {
  const remove = useDeleteGroup(useOrganisation().id, group.id);
  return (
    <Confirm
      title={t("models.group_delete_title", { name: group.name })}
      description={t("models.group_delete_hint")}
      action={t("action.delete")}
      mutation={{ mutate: () => remove.mutate(undefined, { onSuccess: onClose }), isPending: remove.isPending, error: remove.error }}
      onClose={onClose}
    />
  );
}
