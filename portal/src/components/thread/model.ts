import { z } from "zod";
import type { Schemas } from "@/api/client";
import type { ServerEvent } from "@/api/events";

/**
 * A conversation as it is on the screen: what is stored, and the answers that are still being written.
 * Invariant: applying an event twice, or late, changes nothing that a later state has settled.
 */
export type ThreadMessage = Schemas["Message"];

export interface Draft {
  attempt: number;
  text: string;
  /** Pieces are missing (this window joined late, or one was lost): shown once the whole answer is here. */
  broken: boolean;
}

export interface Thread {
  /** By place; a question comes before its answer. */
  messages: ThreadMessage[];
  /** Answers under way, by the number of their question. */
  drafts: ReadonlyMap<number, Draft>;
}

export const EMPTY_THREAD: Thread = { messages: [], drafts: new Map() };

const textSchema = z.object({ seq: z.number(), attempt: z.number(), offset: z.number(), text: z.string() });
const messageSchema = z.object({
  seq: z.number(),
  id: z.string(),
  direction: z.enum(["inbound", "outbound"]),
  text: z.string(),
  at: z.string(),
  state: z.enum(["thinking", "sent", "confirmed", "failed", "dropped"]).optional(),
  run_id: z.string().optional(),
  sender: z.object({ id: z.string(), name: z.string() }).optional(),
  body: z.unknown(),
});

/** The thread after an event; events of kinds that are not known yet change nothing. */
export function afterEvent(thread: Thread, event: ServerEvent): Thread {
  if (event.event === "message") {
    const message = messageSchema.safeParse(parse(event.data));
    return message.success ? withMessages(thread, [message.data]) : thread;
  }
  if (event.event === "text") {
    const piece = textSchema.safeParse(parse(event.data));
    return piece.success ? withText(thread, piece.data) : thread;
  }
  return thread;
}

export function withMessages(thread: Thread, incoming: ThreadMessage[]): Thread {
  const byPlace = new Map(thread.messages.map((message) => [placeOf(message), message]));
  const drafts = new Map(thread.drafts);
  for (const message of incoming) {
    const known = byPlace.get(placeOf(message));
    if (known !== undefined && isSettled(known) && !isSettled(message)) continue;
    byPlace.set(placeOf(message), message);
    if (message.direction === "outbound" && isSettled(message)) drafts.delete(message.seq);
  }
  const messages = [...byPlace.values()].sort((a, b) => a.seq - b.seq || sideOf(a) - sideOf(b));
  return { messages, drafts };
}

/** `offset` counts bytes of UTF-8, as the server counts. */
function withText(thread: Thread, piece: z.infer<typeof textSchema>): Thread {
  const answer = thread.messages.find(({ seq, direction }) => seq === piece.seq && direction === "outbound");
  if (answer !== undefined && isSettled(answer)) return thread;
  const known = thread.drafts.get(piece.seq);
  if (known !== undefined && piece.attempt < known.attempt) return thread;
  const base = known !== undefined && known.attempt === piece.attempt ? known : { attempt: piece.attempt, text: "", broken: false };
  const length = byteLength(base.text);
  if (piece.offset < length && piece.offset > 0) return thread;
  const next: Draft =
    piece.offset === 0
      ? { attempt: piece.attempt, text: piece.text, broken: false }
      : { attempt: piece.attempt, text: base.text + piece.text, broken: base.broken || piece.offset > length };
  return { messages: thread.messages, drafts: new Map(thread.drafts).set(piece.seq, next) };
}

/**
 * Where a stream is to go on from: the last event before the first answer that is still open, so that
 * nothing that happens to it is missed. What comes twice is recognised.
 */
export function resumeAfter(thread: Thread): string {
  let last = BEGINNING;
  for (const message of thread.messages) {
    if (!isSettled(message)) break;
    last = placeOf(message);
  }
  return last;
}

export function isSettled(message: ThreadMessage): boolean {
  return message.direction === "inbound" || message.state === "confirmed" || message.state === "failed" || message.state === "dropped";
}

/** Before the first message: an absent id would mean "from now on", and lose what came meanwhile. */
const BEGINNING = "0.1";

/** The questions that have no answer yet. */
export function openQuestions(thread: Thread): number[] {
  const answered = new Set(
    thread.messages.filter(({ direction, state }) => direction === "outbound" && state !== "thinking").map(({ seq }) => seq),
  );
  return thread.messages.filter(({ direction, seq }) => direction === "inbound" && !answered.has(seq)).map(({ seq }) => seq);
}

function placeOf(message: ThreadMessage): string {
  return `${message.seq}.${sideOf(message)}`;
}

function sideOf(message: ThreadMessage): 0 | 1 {
  return message.direction === "inbound" ? 0 : 1;
}

function byteLength(text: string): number {
  return encoder.encode(text).length;
}

const encoder = new TextEncoder();

function parse(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}
