import { describe, expect, test } from "vitest";
import {
  afterEvent,
  EMPTY_THREAD,
  openQuestions,
  resumeAfter,
  withMessages,
  type Thread,
  type ThreadMessage,
} from "@/components/thread/model";

function inbound(seq: number): ThreadMessage {
  return { seq, id: `in-${seq}`, direction: "inbound", text: `question ${seq}`, at: "2026-01-01T00:00:00Z", body: {} };
}

function outbound(seq: number, state: ThreadMessage["state"]): ThreadMessage {
  return { seq, id: `out-${seq}`, direction: "outbound", text: `answer ${seq}`, at: "2026-01-01T00:00:00Z", state, body: {} };
}

function text(thread: Thread, piece: { seq: number; attempt: number; offset: number; text: string }): Thread {
  return afterEvent(thread, { event: "text", id: null, data: JSON.stringify(piece) });
}

describe("messages", () => {
  test("stand in order whatever order they came in, the question before its answer", () => {
    const thread = withMessages(EMPTY_THREAD, [outbound(2, "confirmed"), inbound(2), outbound(1, "confirmed"), inbound(1)]);
    expect(thread.messages.map(({ id }) => id)).toEqual(["in-1", "out-1", "in-2", "out-2"]);
  });

  test("that come twice are shown once", () => {
    const once = withMessages(EMPTY_THREAD, [inbound(1), outbound(1, "confirmed")]);
    expect(withMessages(once, [inbound(1), outbound(1, "confirmed")])).toEqual(once);
  });

  test("a late thinking state does not take a settled answer back", () => {
    const settled = withMessages(EMPTY_THREAD, [inbound(1), outbound(1, "confirmed")]);
    expect(withMessages(settled, [outbound(1, "thinking")])).toEqual(settled);
  });

  test("an event that is not a message changes nothing", () => {
    expect(afterEvent(EMPTY_THREAD, { event: "message", id: null, data: '{"seq":' })).toBe(EMPTY_THREAD);
    expect(afterEvent(EMPTY_THREAD, { event: "later", id: null, data: "{}" })).toBe(EMPTY_THREAD);
  });
});

describe("an answer that is being written", () => {
  test("grows by bytes, not by characters", () => {
    const first = text(EMPTY_THREAD, { seq: 1, attempt: 1, offset: 0, text: "Grüße" });
    const second = text(first, { seq: 1, attempt: 1, offset: 7, text: ", مرحبا" });
    expect(second.drafts.get(1)).toEqual({ attempt: 1, text: "Grüße, مرحبا", broken: false });
  });

  test("is whole when it went on in pieces of any script", () => {
    const pieces = ["مرحبا ", "🌷", "👩‍👩‍👧 ", "你好"];
    const encoder = new TextEncoder();
    let thread = EMPTY_THREAD;
    let offset = 0;
    for (const piece of pieces) {
      thread = text(thread, { seq: 1, attempt: 1, offset, text: piece });
      offset += encoder.encode(piece).length;
    }
    expect(thread.drafts.get(1)).toEqual({ attempt: 1, text: pieces.join(""), broken: false });
    const again = text(thread, { seq: 1, attempt: 1, offset: encoder.encode("مرحبا ").length, text: "🌷" });
    expect(again, "a piece that comes twice").toEqual(thread);
  });

  test("begins anew with a later attempt, and ignores an earlier one", () => {
    const first = text(EMPTY_THREAD, { seq: 1, attempt: 1, offset: 0, text: "wrong" });
    const second = text(first, { seq: 1, attempt: 2, offset: 0, text: "right" });
    expect(text(second, { seq: 1, attempt: 1, offset: 5, text: " way" }).drafts.get(1)?.text).toBe("right");
  });

  test("is held back when a piece is missing", () => {
    const joinedLate = text(EMPTY_THREAD, { seq: 1, attempt: 1, offset: 40, text: "the end" });
    expect(joinedLate.drafts.get(1)?.broken).toBe(true);
  });

  test("gives way to the stored answer, and pieces that come after it are ignored", () => {
    const writing = text(withMessages(EMPTY_THREAD, [inbound(1)]), { seq: 1, attempt: 1, offset: 0, text: "ans" });
    const stored = withMessages(writing, [outbound(1, "confirmed")]);
    expect(stored.drafts.size).toBe(0);
    expect(text(stored, { seq: 1, attempt: 1, offset: 3, text: "wer" })).toBe(stored);
  });
});

describe("a stream goes on", () => {
  test("from the beginning when nothing is known, so that nothing said meanwhile is lost", () => {
    expect(resumeAfter(EMPTY_THREAD)).toBe("0.1");
  });

  test("from before the first answer that is still open", () => {
    const thread = withMessages(EMPTY_THREAD, [inbound(1), outbound(1, "confirmed"), inbound(2), outbound(2, "thinking"), inbound(3)]);
    expect(resumeAfter(thread)).toBe("2.0");
  });
});

test("a question is open until its answer is there", () => {
  const thread = withMessages(EMPTY_THREAD, [inbound(1), outbound(1, "confirmed"), inbound(2), outbound(2, "thinking"), inbound(3)]);
  expect(openQuestions(thread)).toEqual([2, 3]);
});
