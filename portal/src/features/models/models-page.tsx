import { useState } from "react";
import type { ModelGroup, Provider } from "@/api/queries/models";
import { t } from "@/i18n/translate";
import { useOrganisation } from "@/lib/scope";
import { Confirm } from "@/components/confirm";
import { Page } from "@/components/page";
import { GroupForm } from "@/features/models/group-form";
import { Groups } from "@/features/models/groups";
import { useDeleteGroup, useDeleteProvider } from "@/features/models/mutations";
import { ProviderForm } from "@/features/models/provider-form";
import { Providers } from "@/features/models/providers";

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
    <Page wide title={t("models.title")} description={t("models.description")}>
      <div className="grid grid-cols-1 items-start gap-6 xl:grid-cols-[3fr_2fr]">
        <Groups
          onAdd={() => setAsking({ kind: "group" })}
          onEdit={(group) => setAsking({ kind: "group", group })}
          onDelete={(group) => setAsking({ kind: "delete-group", group })}
        />
        <Providers
          onAdd={() => setAsking({ kind: "provider" })}
          onEdit={(provider) => setAsking({ kind: "provider", provider })}
          onDelete={(provider) => setAsking({ kind: "delete-provider", provider })}
        />
      </div>
      {asking?.kind === "provider" ? <ProviderForm provider={asking.provider} onClose={close} /> : null}
      {asking?.kind === "group" ? <GroupForm group={asking.group} onClose={close} /> : null}
      {asking?.kind === "delete-provider" ? <DeleteProvider provider={asking.provider} onClose={close} /> : null}
      {asking?.kind === "delete-group" ? <DeleteGroup group={asking.group} onClose={close} /> : null}
    </Page>
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
