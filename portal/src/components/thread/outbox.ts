import { useEffect, useState, useSyncExternalStore } from "react";
import { z } from "zod";
import { ApiError } from "@/api/errors";
import { readItem, writeItem } from "@/lib/storage";
import { randomUuid } from "@/lib/uuid";
import type { Thread } from "@/components/thread/model";
import type { Unsent } from "@/components/thread/messages";

/**
 * Messages on their way to the server, in order, one at a time. Each carries an id made here, so that
 * sending it again after a broken connection, or after a reload, has the effect of once.
 */
export interface OutboxOptions {
  /** Where unsent messages survive a reload; null: they do not. */
  storageKey: string | null;
  send: (id: string, text: string) => Promise<{ seq: number }>;
}

interface Item extends Unsent {
  /** Its place, once the server has it. */
  seq: number | null;
}

const storedSchema = z.array(z.object({ id: z.string(), text: z.string() }));
const LONGEST_PAUSE_MS = 15_000;

export class Outbox {
  private items: Item[];
  private listeners = new Set<() => void>();
  private busy = false;
  private failures = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: OutboxOptions) {
    this.items = restored(options.storageKey).map((message) => ({ ...message, state: "waiting", seq: null }));
  }

  add(text: string) {
    this.change([...this.items, { id: randomUuid(), text, state: "sending", seq: null }]);
    void this.pump();
  }

  /** Sends what waits; called again when the connection may be back. */
  readonly pump = async (): Promise<void> => {
    if (this.busy) return;
    const next = this.items.find(({ seq, state }) => seq === null && state !== "refused");
    if (next === undefined) return;
    clearTimeout(this.timer);
    this.busy = true;
    this.set(next.id, { state: "sending" });
    try {
      const { seq } = await this.options.send(next.id, next.text);
      this.failures = 0;
      this.set(next.id, { state: "accepted", seq });
    } catch (error) {
      if (isFinal(error)) this.set(next.id, { state: "refused" });
      else this.wait(next.id);
    } finally {
      this.busy = false;
    }
    if (this.timer === undefined) void this.pump();
  };

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly snapshot = (): readonly Item[] => this.items;

  start(): () => void {
    const wake = () => {
      clearTimeout(this.timer);
      this.timer = undefined;
      void this.pump();
    };
    window.addEventListener("online", wake);
    wake();
    return () => {
      window.removeEventListener("online", wake);
      clearTimeout(this.timer);
      this.timer = undefined;
    };
  }

  private wait(id: string) {
    this.set(id, { state: "waiting" });
    this.failures += 1;
    this.timer = setTimeout(
      () => {
        this.timer = undefined;
        void this.pump();
      },
      Math.min(LONGEST_PAUSE_MS, 500 * 2 ** this.failures),
    );
  }

  private set(id: string, change: Partial<Item>) {
    this.change(this.items.map((item) => (item.id === id ? { ...item, ...change } : item)));
  }

  private change(items: Item[]) {
    this.items = items;
    const { storageKey } = this.options;
    if (storageKey !== null) {
      const unsent = items.filter(({ seq }) => seq === null).map(({ id, text }) => ({ id, text }));
      writeItem(storageKey, unsent.length === 0 ? null : JSON.stringify(unsent));
    }
    this.listeners.forEach((listener) => listener());
  }
}

/** An outbox for as long as the component lives, and what of it the thread does not show yet. */
export function useOutbox(options: OutboxOptions): { add: (text: string) => void; unsentIn: (thread: Thread) => Unsent[] } {
  const [outbox] = useState(() => new Outbox(options));
  const items = useSyncExternalStore(outbox.subscribe, outbox.snapshot);
  useEffect(() => outbox.start(), [outbox]);
  return {
    add: (text) => outbox.add(text),
    unsentIn: (thread) =>
      items.filter(
        (item) => !thread.messages.some(({ direction, id, seq }) => direction === "inbound" && (id === item.id || seq === item.seq)),
      ),
  };
}

/** What the server refuses for good, it will refuse again. */
function isFinal(error: unknown): boolean {
  return error instanceof ApiError && error.status >= 400 && error.status < 500 && ![401, 408, 425, 429].includes(error.status);
}

function restored(storageKey: string | null): { id: string; text: string }[] {
  if (storageKey === null) return [];
  try {
    return storedSchema.parse(JSON.parse(readItem(storageKey) ?? "[]"));
  } catch {
    return [];
  }
}
