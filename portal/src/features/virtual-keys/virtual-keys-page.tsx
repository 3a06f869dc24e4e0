import { useQuery } from "@tanstack/react-query";
import { Plus, Ticket } from "lucide-react";
import { useState } from "react";
import { budgetsQuery } from "@/api/queries/budgets";
import { modelGroupsQuery } from "@/api/queries/models";
import { virtualKeysQuery, type VirtualKey } from "@/api/queries/virtual-keys";
import { t } from "@/i18n/translate";
import { useDenial, useOrganisation } from "@/lib/scope";
import { Confirm } from "@/components/confirm";
import { DataTable } from "@/components/data-table";
import { Loaded } from "@/components/loaded";
import { Page } from "@/components/page";
import { Empty } from "@/components/states";
import { Button } from "@/components/ui/button";
import { Card, CardSection } from "@/components/ui/card";
import { notify } from "@/components/ui/toast";
import { columnsOf, type KeyAsking } from "@/features/virtual-keys/columns";
import { CreateVirtualKey, EditVirtualKey } from "@/features/virtual-keys/key-form";
import { useChangeVirtualKey, useDeleteVirtualKey } from "@/features/virtual-keys/mutations";
import { SnippetsPanel } from "@/features/virtual-keys/snippets-panel";

type Asking = KeyAsking | { kind: "create" } | null;

/** The keys with which programs reach the models of the pool. */
export function VirtualKeysPage() {
  const organisation = useOrganisation();
  const keys = useQuery(virtualKeysQuery(organisation.id));
  const budgets = useQuery(budgetsQuery(organisation.id)).data ?? [];
  const groups = useQuery(modelGroupsQuery(organisation.id)).data ?? [];
  const [asking, setAsking] = useState<Asking>(null);
  const denial = useDenial("keys");
  const close = () => setAsking(null);
  return (
    <Page
      wide
      title={t("vkeys.title")}
      description={t("vkeys.description")}
      actions={
        <Button look="primary" disabled={denial !== undefined} title={denial} onClick={() => setAsking({ kind: "create" })}>
          <Plus aria-hidden />
          {t("vkeys.create")}
        </Button>
      }
    >
      <div className="grid grid-cols-1 gap-6">
        <Loaded query={keys}>
          {(items) =>
            items.length === 0 ? (
              <Card>
                <Empty icon={Ticket} title={t("vkeys.empty")}>
                  {t("vkeys.empty_hint")}
                </Empty>
              </Card>
            ) : (
              <DataTable
                caption={t("vkeys.title")}
                columns={columnsOf({ organisation, budgets, denial, onAsk: setAsking })}
                rows={items}
                rowId={({ id }) => id}
              />
            )
          }
        </Loaded>
        <CardSection title={t("vkeys.use")} description={t("vkeys.use_hint")}>
          <SnippetsPanel secret={null} group={groups[0]?.name} />
        </CardSection>
      </div>
      {asking?.kind === "create" ? <CreateVirtualKey onClose={close} /> : null}
      {asking?.kind === "edit" ? <EditVirtualKey virtualKey={asking.virtualKey} onClose={close} /> : null}
      {asking?.kind === "disable" ? <DisableKey virtualKey={asking.virtualKey} onClose={close} /> : null}
      {asking?.kind === "delete" ? <DeleteKey virtualKey={asking.virtualKey} onClose={close} /> : null}
    </Page>
  );
}

/** Opening a key again needs no less thought than closing it. */
function DisableKey({ virtualKey, onClose }: { virtualKey: VirtualKey; onClose: () => void }) {
  const change = useChangeVirtualKey(useOrganisation().id, virtualKey.id);
  const disabled = typeof virtualKey.disabled_at === "string";
  const mutate = () =>
    change.mutate(
      { disabled: !disabled },
      {
        onSuccess: () => {
          notify("done", disabled ? t("vkeys.enabled") : t("vkeys.is_disabled"));
          onClose();
        },
      },
    );
  return (
    <Confirm
      title={disabled ? t("vkeys.enable_title", { name: virtualKey.name }) : t("vkeys.disable_title", { name: virtualKey.name })}
      description={disabled ? t("vkeys.enable_hint") : t("vkeys.disable_hint")}
      action={disabled ? t("vkeys.enable") : t("vkeys.disable")}
      look={disabled ? "primary" : "danger"}
      mutation={{ mutate, isPending: change.isPending, error: change.error }}
      onClose={onClose}
    />
  );
}

function DeleteKey({ virtualKey, onClose }: { virtualKey: VirtualKey; onClose: () => void }) {
  const remove = useDeleteVirtualKey(useOrganisation().id, virtualKey.id);
  const mutate = () =>
    remove.mutate(undefined, {
      onSuccess: () => {
        notify("done", t("vkeys.deleted"));
        onClose();
      },
    });
  return (
    <Confirm
      title={t("vkeys.delete_title", { name: virtualKey.name })}
      description={t("vkeys.delete_hint")}
      action={t("action.delete")}
      mutation={{ mutate, isPending: remove.isPending, error: remove.error }}
      onClose={onClose}
    />
  );
}
