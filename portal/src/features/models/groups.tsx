import { useQuery } from "@tanstack/react-query";
import { Boxes, Plus } from "lucide-react";
import { modelGroupsQuery, type ModelGroup } from "@/api/queries/models";
import { t } from "@/i18n/translate";
import { useDenial, useOrganisation } from "@/lib/scope";
import { Loaded } from "@/components/loaded";
import { Empty } from "@/components/states";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { CardSection } from "@/components/ui/card";
import { strategyName } from "@/features/models/group-values";
import { healthQuery } from "@/features/models/health";
import { RowActions } from "@/features/models/row-actions";
import { TargetHealth } from "@/features/models/target-health";

interface GroupsProps {
  onAdd: () => void;
  onEdit: (group: ModelGroup) => void;
  onDelete: (group: ModelGroup) => void;
}

export function Groups({ onAdd, onEdit, onDelete }: GroupsProps) {
  const groups = useQuery(modelGroupsQuery(useOrganisation().id));
  const denial = useDenial("connections");
  return (
    <CardSection
      title={t("models.groups")}
      description={t("models.groups_hint")}
      action={
        <Button size="small" disabled={denial !== undefined} title={denial} onClick={onAdd}>
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
                <li key={group.id} className="flex items-start gap-3 py-4">
                  <Group group={group} />
                  <RowActions name={group.name} denial={denial} onEdit={() => onEdit(group)} onDelete={() => onDelete(group)} />
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </CardSection>
  );
}

function Group({ group }: { group: ModelGroup }) {
  const health = useQuery(healthQuery(useOrganisation().id, group.id)).data ?? [];
  const { simple } = group;
  return (
    <div className="min-w-0 grow">
      <p className="flex flex-wrap items-center gap-2.5 font-semibold">
        {group.name} <Badge>{strategyName(group.strategy)}</Badge>
      </p>
      {simple === null || simple === undefined ? null : (
        <p className="text-soft">{t("models.group_simple", { group: simple.group, tokens: simple.max_input_tokens })}</p>
      )}
      <ol className="mt-2 grid gap-2.5">
        {group.models.map((target, index) => (
          <li key={`${index}-${target.model}`} className="flex gap-2">
            <span className="text-soft tabular-nums">{`${index + 1}.`}</span>
            <div className="min-w-0">
              <p className="break-words">
                {target.model} <span className="text-soft">{`· ${target.provider}`}</span>
                {group.strategy === "weighted" ? (
                  <span className="text-soft">{` · ${t("models.weight_of", { weight: target.weight ?? 1 })}`}</span>
                ) : null}
              </p>
              <TargetHealth health={health.find(({ provider, model }) => provider === target.provider && model === target.model)} />
            </div>
          </li>
        ))}
      </ol>
      {group.fallbacks.length === 0 ? null : (
        <p className="mt-2 text-soft">{t("models.group_fallback", { names: group.fallbacks.join(", ") })}</p>
      )}
    </div>
  );
}
