import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { follow, type LinkState } from "@/api/events";
import { afterEvent, EMPTY_THREAD, resumeAfter, withMessages, type Thread, type ThreadMessage } from "@/components/thread/model";

/** Where a conversation is read from; the same for people who are logged in and for visitors. */
export interface ThreadSource {
  /** Tells conversations apart. */
  key: readonly string[];
  eventsUrl: string;
  fetch: (request: Request) => Promise<Response>;
  /** A page of messages, oldest first, before a place. */
  read: (before: number | undefined) => Promise<{ items: ThreadMessage[]; next?: string | null | undefined }>;
}

export interface LiveThread {
  thread: Thread;
  state: "loading" | "failed" | "ready";
  link: LinkState;
  error: unknown;
  retry: () => void;
  /** Reads further back; null when the beginning is on the screen. */
  older: (() => Promise<void>) | null;
}

/** A conversation that stays up to date: its stored messages, then the stream from there on. */
export function useThread(source: ThreadSource): LiveThread {
  const key = source.key.join("/");
  const first = useQuery({
    queryKey: ["thread", ...source.key],
    queryFn: () => source.read(undefined),
    staleTime: Infinity,
    gcTime: 0,
  });
  const [held, setHeld] = useState<Held>({ key, thread: EMPTY_THREAD, next: undefined });
  const [link, setLink] = useState<LinkState>("connecting");
  const current = useRef(EMPTY_THREAD);
  const sourceNow = useRef(source);
  useEffect(() => {
    sourceNow.current = source;
  });

  const page = first.data;
  useEffect(() => {
    if (page === undefined) return;
    const change = (step: (thread: Thread) => Thread, next?: string | null) => {
      current.current = step(current.current);
      const thread = current.current;
      setHeld((before) => ({ key, thread, next: next === undefined ? before.next : next }));
    };
    current.current = EMPTY_THREAD;
    change((thread) => withMessages(thread, page.items), page.next ?? null);
    return follow({
      url: new URL(sourceNow.current.eventsUrl, window.location.origin).href,
      fetch: (request) => sourceNow.current.fetch(request),
      lastEventId: () => resumeAfter(current.current),
      onEvent: (event) => change((thread) => afterEvent(thread, event)),
      onState: setLink,
    });
  }, [key, page]);

  const shown = held.key === key ? held : { key, thread: EMPTY_THREAD, next: undefined };
  const { next } = shown;
  return {
    thread: shown.thread,
    state: first.isError ? "failed" : page === undefined ? "loading" : "ready",
    link,
    error: first.error,
    retry: () => void first.refetch(),
    older:
      next === null || next === undefined
        ? null
        : async () => {
            const earlier = await source.read(Number(next));
            current.current = withMessages(current.current, earlier.items);
            setHeld({ key, thread: current.current, next: earlier.next ?? null });
          },
  };
}

interface Held {
  key: string;
  thread: Thread;
  next: string | null | undefined;
}
