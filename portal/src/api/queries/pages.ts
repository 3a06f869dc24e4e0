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

/** The pages of a list that is looked through as a whole; no list of a person's grows beyond this. */
const MOST_PAGES = 20;

export async function readAll<Item>(read: (after: string | undefined) => Promise<PageOf<Item>>): Promise<Item[]> {
  const items: Item[] = [];
  let after: string | undefined;
  for (let page = 0; page < MOST_PAGES; page++) {
    const { items: more, next } = await read(after);
    items.push(...more);
    if (next === null || next === undefined) break;
    after = next;
  }
  return items;
}
