import { infiniteQueryOptions } from "@tanstack/react-query";

export interface PageOf<Item> {
  items: Item[];
  next?: string | null | undefined;
}

/** A list that is read page by page; `items` of its data is all that has been read so far. */
export function pagedQuery<Item>(key: readonly unknown[], read: (after: string | undefined) => Promise<PageOf<Item>>) {
  return infiniteQueryOptions({
    queryKey: key,
    queryFn: ({ pageParam }) => read(pageParam),
    initialPageParam: FIRST,
    getNextPageParam: (page) => page.next ?? undefined,
    select: (data) => ({ items: data.pages.flatMap((page) => page.items) }),
  });
}

const FIRST: string | undefined = undefined;
