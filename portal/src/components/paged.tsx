import type { UseInfiniteQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { t } from "@/i18n/translate";
import { Failure, Loading } from "@/components/states";
import { Button } from "@/components/ui/button";

interface PagedProps<Item> {
  query: UseInfiniteQueryResult<{ items: Item[] }>;
  empty: ReactNode;
  children: (items: Item[]) => ReactNode;
}

/** A list read page by page: loading, failed, empty, or its items and a button for more. */
export function Paged<Item>({ query, empty, children }: PagedProps<Item>) {
  if (query.data === undefined) {
    return query.isError ? <Failure error={query.error} onRetry={() => void query.refetch()} /> : <Loading rows={5} />;
  }
  if (query.data.items.length === 0) return empty;
  return (
    <>
      {children(query.data.items)}
      {query.hasNextPage ? (
        <div className="mt-5 text-center">
          <Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {t("action.more")}
          </Button>
        </div>
      ) : null}
    </>
  );
}
