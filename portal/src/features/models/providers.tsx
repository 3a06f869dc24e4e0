import { useMutation, useQuery } from "@tanstack/react-query";
import { CircleAlert, CircleCheck, PlugZap, Plus, Server } from "lucide-react";
import { api, take } from "@/api/client";
import { providersQuery, type Provider } from "@/api/queries/models";
import { formatDuration } from "@/i18n/format";
import { t } from "@/i18n/translate";
import { useDenial, useOrganisation } from "@/lib/scope";
import { Loaded } from "@/components/loaded";
import { Empty, FormFailure } from "@/components/states";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { CardSection } from "@/components/ui/card";
import { RowActions } from "@/features/models/row-actions";
import { wireName } from "@/features/models/wire";

interface ProvidersProps {
  onAdd: () => void;
  onEdit: (provider: Provider) => void;
  onDelete: (provider: Provider) => void;
}

export function Providers({ onAdd, onEdit, onDelete }: ProvidersProps) {
  const providers = useQuery(providersQuery(useOrganisation().id));
  const denial = useDenial("connections");
  return (
    <CardSection
      title={t("models.providers")}
      description={t("models.providers_hint")}
      action={
        <Button size="small" disabled={denial !== undefined} title={denial} onClick={onAdd}>
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
                <li key={provider.id} className="py-4">
                  <div className="flex items-start gap-3">
                    <div className="min-w-0 grow">
                      <p className="flex flex-wrap items-center gap-2 font-semibold">
                        {provider.name} <KeyBadge provider={provider} />
                      </p>
                      <p className="text-soft">{wireName(provider.wire)}</p>
                      {provider.base_url === "" ? null : (
                        <p className="font-mono text-[0.87rem] break-all text-soft">{provider.base_url}</p>
                      )}
                    </div>
                    <RowActions name={provider.name} denial={denial} onEdit={() => onEdit(provider)} onDelete={() => onDelete(provider)} />
                  </div>
                  <Test key={`${provider.base_url} ${provider.has_key}`} provider={provider} denial={denial} />
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

/** Really calls the provider, and tells what it said. */
function Test({ provider, denial }: { provider: Provider; denial: string | undefined }) {
  const organisation = useOrganisation().id;
  const test = useMutation({
    mutationFn: () =>
      take(
        api.POST("/api/organisations/{organisation}/providers/{provider}/test", {
          params: { path: { organisation, provider: provider.id } },
        }),
      ),
  });
  return (
    <div className="mt-2.5 grid grid-cols-1 gap-2.5">
      <div>
        <Button
          size="small"
          disabled={denial !== undefined}
          title={denial}
          busy={test.isPending}
          aria-label={t("models.test_named", { name: provider.name })}
          onClick={() => test.mutate()}
        >
          {test.isPending ? null : <PlugZap aria-hidden />}
          {t("models.test")}
        </Button>
      </div>
      <FormFailure error={test.error} />
      <div role="status">{test.data === undefined ? null : <Outcome {...test.data} />}</div>
    </div>
  );
}

interface OutcomeProps {
  ok: boolean;
  status?: number | null | undefined;
  latency_ms: number;
  error?: string | null | undefined;
  models: string[];
}

function Outcome({ ok, status, latency_ms, error, models }: OutcomeProps) {
  const duration = formatDuration(latency_ms);
  if (ok) {
    return (
      <div className="rounded-xl bg-ok-wash px-3.5 py-2.5">
        <p className="flex items-center gap-2 font-medium text-ok">
          <CircleCheck aria-hidden className="size-4 shrink-0" />
          {t("models.test_ok", { duration })}
        </p>
        {models.length === 0 ? null : (
          <details className="mt-1">
            <summary className="rounded">{t("models.test_models", { count: models.length })}</summary>
            <ul className="mt-1.5 max-h-48 overflow-y-auto font-mono text-[0.85rem]">
              {models.map((model) => (
                <li key={model} className="break-all">
                  {model}
                </li>
              ))}
            </ul>
          </details>
        )}
      </div>
    );
  }
  return (
    <div className="rounded-xl bg-bad-wash px-3.5 py-2.5">
      <p className="flex items-center gap-2 font-medium text-bad">
        <CircleAlert aria-hidden className="size-4 shrink-0" />
        {typeof status === "number" ? t("models.test_status", { status: String(status), duration }) : t("models.test_silent", { duration })}
      </p>
      <p className="mt-1 break-words">{error}</p>
    </div>
  );
}
