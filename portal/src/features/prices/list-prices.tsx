import { Search } from "lucide-react";
import { useDeferredValue, useState } from "react";
import { formatCompact, formatRate } from "@/i18n/format";
import { t } from "@/i18n/translate";
import { DataTable, type Column } from "@/components/data-table";
import { Input } from "@/components/ui/input";
import type { Price } from "@/features/prices/queries";

const COLUMNS: Column<Price>[] = [
  {
    accessorKey: "model",
    header: () => t("prices.model"),
    cell: ({ row: { original } }) => (
      <span className="min-w-0 max-sm:text-end">
        <span className="break-all">{original.model}</span>
        {original.tiers.map(({ above, input_per_million, output_per_million }) => (
          <span key={above} className="block text-[0.86rem] font-normal text-soft">
            {t("prices.tier_above", {
              tokens: formatCompact(above),
              input: formatRate(input_per_million),
              output: formatRate(output_per_million),
            })}
          </span>
        ))}
      </span>
    ),
  },
  { accessorKey: "vendor", header: () => t("prices.vendor"), cell: ({ row }) => row.original.vendor },
  { accessorKey: "input_per_million", header: () => t("prices.input"), cell: ({ row }) => formatRate(row.original.input_per_million) },
  { accessorKey: "output_per_million", header: () => t("prices.output"), cell: ({ row }) => formatRate(row.original.output_per_million) },
  {
    accessorKey: "cache_read_per_million",
    header: () => t("prices.cache_read"),
    cell: ({ row }) => formatRate(row.original.cache_read_per_million),
  },
];

/** The built-in table, to look a model up in. */
export function ListPrices({ prices }: { prices: Price[] }) {
  const [search, setSearch] = useState("");
  const wanted = useDeferredValue(search.trim().toLowerCase());
  const found = prices.filter(({ model, vendor }) => `${vendor ?? ""} ${model}`.toLowerCase().includes(wanted));
  return (
    <section aria-labelledby="list-prices">
      <div className="mb-3 flex flex-wrap items-end justify-between gap-3">
        <div>
          <h2 id="list-prices" className="text-[1.07rem] font-semibold">
            {t("prices.list")}
          </h2>
          <p className="text-soft">{t("prices.list_hint", { count: prices.length })}</p>
        </div>
        <search className="relative w-full sm:w-64">
          <Search aria-hidden className="pointer-events-none absolute inset-y-0 start-3 my-auto size-4 text-soft" />
          <Input
            type="search"
            className="ps-9"
            aria-label={t("prices.search")}
            placeholder={t("prices.search")}
            value={search}
            onChange={(event) => setSearch(event.target.value)}
          />
        </search>
      </div>
      {found.length === 0 ? (
        <p className="rounded-2xl border bg-surface px-4 py-10 text-center text-soft">{t("prices.list_empty", { search })}</p>
      ) : (
        <DataTable caption={t("prices.list")} columns={COLUMNS} rows={found} rowId={({ model, vendor }) => `${vendor ?? ""}/${model}`} />
      )}
    </section>
  );
}
