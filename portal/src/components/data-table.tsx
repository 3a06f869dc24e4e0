import {
  createSortedRowModel,
  rowSortingFeature,
  sortFns,
  tableFeatures,
  useTable,
  type ColumnDef,
  type RowData,
} from "@tanstack/react-table";
import { ArrowDown, ArrowUp } from "lucide-react";
import { Card } from "@/components/ui/card";
import { cn } from "@/lib/cn";

const features = tableFeatures({ rowSortingFeature, sortedRowModel: createSortedRowModel(), sortFns });

export type Column<Row extends RowData> = ColumnDef<typeof features, Row>;

interface DataTableProps<Row extends RowData> {
  caption: string;
  columns: Column<Row>[];
  rows: Row[];
  rowId: (row: Row) => string;
}

/** A table on wide screens; on narrow ones every row is a block of its own, each value with its heading. */
export function DataTable<Row extends RowData>({ caption, columns, rows, rowId }: DataTableProps<Row>) {
  const table = useTable({ features, columns, data: rows, getRowId: rowId });
  const headings = new Map(
    table
      .getHeaderGroups()
      .flatMap((group) => group.headers.map((header) => [header.column.id, <table.FlexRender key={header.id} header={header} />])),
  );
  return (
    <Card className="overflow-x-auto">
      <table className="w-full border-collapse text-start max-sm:block">
        <caption className="sr-only">{caption}</caption>
        <thead className="max-sm:hidden">
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id} className="border-b">
              {group.headers.map((header) => {
                const sorted = header.column.getIsSorted();
                return (
                  <th
                    key={header.id}
                    scope="col"
                    aria-sort={sorted === "asc" ? "ascending" : sorted === "desc" ? "descending" : undefined}
                    className="px-4 py-2.5 text-start text-[0.86rem] font-medium whitespace-nowrap text-soft first:ps-5 last:pe-5"
                  >
                    {header.column.getCanSort() ? (
                      <button
                        type="button"
                        className="inline-flex items-center gap-1 rounded hover:text-ink"
                        onClick={header.column.getToggleSortingHandler()}
                      >
                        <table.FlexRender header={header} />
                        {sorted === "asc" ? <ArrowUp aria-hidden className="size-3.5" /> : null}
                        {sorted === "desc" ? <ArrowDown aria-hidden className="size-3.5" /> : null}
                      </button>
                    ) : (
                      <table.FlexRender header={header} />
                    )}
                  </th>
                );
              })}
            </tr>
          ))}
        </thead>
        <tbody className="max-sm:block">
          {table.getRowModel().rows.map((row) => (
            <tr key={row.id} className="border-b last:border-b-0 hover:bg-sunken/50 max-sm:block max-sm:px-5 max-sm:py-3">
              {row.getAllCells().map((cell, index) => (
                <td
                  key={cell.id}
                  className={cn(
                    "align-middle sm:px-4 sm:py-3 sm:first:ps-5 sm:last:pe-5 max-sm:flex max-sm:items-center max-sm:justify-between max-sm:gap-4 max-sm:py-1",
                    index === 0 && "font-medium",
                  )}
                >
                  <span aria-hidden className="text-[0.86rem] font-normal text-soft sm:hidden">
                    {headings.get(cell.column.id)}
                  </span>
                  <table.FlexRender cell={cell} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}
