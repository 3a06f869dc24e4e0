import type { ReactNode } from "react";
import { t } from "@/i18n/translate";

interface ChartTableProps {
  caption: string;
  head: string[];
  rows: { key: string; cells: ReactNode[] }[];
}

/** What a chart shows, for whoever does not see it or wants the figures. */
export function ChartTable({ caption, head, rows }: ChartTableProps) {
  return (
    <details className="mt-4">
      <summary className="w-fit rounded text-[0.9rem] text-soft hover:text-ink">{t("chart.as_table")}</summary>
      <div tabIndex={0} role="region" aria-label={caption} className="mt-2 max-h-80 overflow-auto rounded-lg border">
        <table className="w-full border-collapse text-[0.9rem] tabular-nums">
          <caption className="sr-only">{caption}</caption>
          <thead className="sticky top-0 bg-sunken">
            <tr>
              {head.map((cell, index) => (
                <th key={index} scope="col" className="px-3 py-1.5 text-start font-medium whitespace-nowrap text-soft not-first:text-end">
                  {cell}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ key, cells }) => (
              <tr key={key} className="border-t">
                {cells.map((cell, index) =>
                  index === 0 ? (
                    <th key={index} scope="row" className="px-3 py-1.5 text-start font-normal whitespace-nowrap">
                      {cell}
                    </th>
                  ) : (
                    <td key={index} className="px-3 py-1.5 text-end whitespace-nowrap">
                      {cell}
                    </td>
                  ),
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}
