import { useQuery } from "@tanstack/react-query";
import { Plus, Tags, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { formatRate } from "@/i18n/format";
import { t } from "@/i18n/translate";
import { useDenial, useOrganisation } from "@/lib/scope";
import { Confirm } from "@/components/confirm";
import { DataTable, type Column } from "@/components/data-table";
import { Loaded } from "@/components/loaded";
import { Page } from "@/components/page";
import { Empty } from "@/components/states";
import { Badge, type Tone } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { notify } from "@/components/ui/toast";
import { ListPrices } from "@/features/prices/list-prices";
import { PriceForm } from "@/features/prices/price-form";
import { pricesInUseQuery, pricesQuery, useRemovePrice, type PriceInUse } from "@/features/prices/queries";

type Asking = { kind: "set"; price?: PriceInUse } | { kind: "remove"; price: PriceInUse; id: string } | null;

export function PricesPage() {
  const organisation = useOrganisation().id;
  const used = useQuery(pricesInUseQuery(organisation));
  const prices = useQuery(pricesQuery(organisation));
  const [asking, setAsking] = useState<Asking>(null);
  const denial = useDenial("connections");
  const close = () => setAsking(null);
  return (
    <Page
      wide
      title={t("prices.title")}
      description={t("prices.description")}
      actions={
        <Button look="primary" disabled={denial !== undefined} title={denial} onClick={() => setAsking({ kind: "set" })}>
          <Plus aria-hidden />
          {t("prices.set")}
        </Button>
      }
    >
      <div className="grid grid-cols-1 gap-9">
        <section aria-labelledby="prices-in-use">
          <h2 id="prices-in-use" className="text-[1.07rem] font-semibold">
            {t("prices.in_use")}
          </h2>
          <p className="mb-3 max-w-prose text-soft">{t("prices.in_use_hint")}</p>
          <Loaded query={used}>
            {(items) =>
              items.length === 0 ? (
                <Card>
                  <Empty icon={Tags} title={t("prices.empty")}>
                    {t("prices.empty_hint")}
                  </Empty>
                </Card>
              ) : (
                <>
                  <Unknown count={items.filter(({ source }) => source === "unknown").length} />
                  <DataTable
                    caption={t("prices.in_use")}
                    columns={columnsOf(denial, setAsking)}
                    rows={items}
                    rowId={({ provider, model }) => `${provider}/${model}`}
                  />
                </>
              )
            }
          </Loaded>
        </section>
        <Loaded query={prices}>{(items) => <ListPrices prices={items.filter(({ source }) => source === "list")} />}</Loaded>
      </div>
      {asking?.kind === "set" ? <PriceForm price={asking.price} onClose={close} /> : null}
      {asking?.kind === "remove" ? <RemovePrice price={asking.price} id={asking.id} onClose={close} /> : null}
    </Page>
  );
}

function Unknown({ count }: { count: number }) {
  if (count === 0) return null;
  return (
    <p className="mb-3 flex items-start gap-2.5 rounded-xl bg-warn-wash px-4 py-3 text-warn">
      <TriangleAlert aria-hidden className="mt-0.5 size-4.5 shrink-0" />
      {t("prices.unknown", { count })}
    </p>
  );
}

const SOURCES: Record<PriceInUse["source"], Tone> = { own: "brand", list: "neutral", free: "ok", unknown: "warn" };

function columnsOf(denial: string | undefined, onAsk: (asking: Asking) => void): Column<PriceInUse>[] {
  const denied = denial !== undefined;
  return [
    {
      accessorKey: "model",
      header: () => t("prices.model"),
      cell: ({ row: { original } }) => (
        <span className="min-w-0 max-sm:text-end">
          <span className="block break-all">{original.model}</span>
          <span className="block text-[0.86rem] font-normal text-soft">{original.provider}</span>
        </span>
      ),
    },
    {
      accessorKey: "source",
      header: () => t("prices.source"),
      cell: ({ row: { original } }) => <Badge tone={SOURCES[original.source]}>{t(`prices.source_${original.source}`)}</Badge>,
    },
    {
      id: "input",
      enableSorting: false,
      header: () => t("prices.input"),
      cell: ({ row }) => formatRate(row.original.rates?.input_per_million),
    },
    {
      id: "output",
      enableSorting: false,
      header: () => t("prices.output"),
      cell: ({ row }) => formatRate(row.original.rates?.output_per_million),
    },
    {
      id: "cache_read",
      enableSorting: false,
      header: () => t("prices.cache_read"),
      cell: ({ row }) => formatRate(row.original.rates?.cache_read_per_million),
    },
    {
      id: "actions",
      enableSorting: false,
      header: () => null,
      cell: ({ row: { original } }) => (
        <div className="flex flex-wrap justify-end gap-2">
          <Button
            size="small"
            disabled={denied}
            title={denial}
            aria-label={
              original.source === "own" ? t("prices.change", { model: original.model }) : t("prices.set_for", { model: original.model })
            }
            onClick={() => onAsk({ kind: "set", price: original })}
          >
            {original.source === "own" ? t("action.edit") : t("prices.set")}
          </Button>
          {typeof original.id === "string" ? <Remove price={original} id={original.id} denial={denial} onAsk={onAsk} /> : null}
        </div>
      ),
    },
  ];
}

interface RemoveProps {
  price: PriceInUse;
  id: string;
  denial: string | undefined;
  onAsk: (asking: Asking) => void;
}

function Remove({ price, id, denial, onAsk }: RemoveProps) {
  return (
    <Button
      size="small"
      look="danger"
      disabled={denial !== undefined}
      title={denial}
      aria-label={t("action.remove_named", { name: price.model })}
      onClick={() => onAsk({ kind: "remove", price, id })}
    >
      {t("action.remove")}
    </Button>
  );
}

function RemovePrice({ price, id, onClose }: { price: PriceInUse; id: string; onClose: () => void }) {
  const remove = useRemovePrice(useOrganisation().id, id);
  const mutate = () =>
    remove.mutate(undefined, {
      onSuccess: () => {
        notify("done", t("prices.removed"));
        onClose();
      },
    });
  return (
    <Confirm
      title={t("prices.remove_title", { model: price.model })}
      description={t("prices.remove_hint")}
      action={t("action.remove")}
      mutation={{ mutate, isPending: remove.isPending, error: remove.error }}
      onClose={onClose}
    />
  );
}
