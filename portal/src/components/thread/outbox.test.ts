import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ApiError } from "@/api/errors";
import { Outbox } from "@/components/thread/outbox";

const KEY = "konstruct.unsent.test";

beforeEach(() => {
  vi.useFakeTimers();
  localStorage.clear();
});
afterEach(() => {
  vi.useRealTimers();
});

function sender(...outcomes: ("ok" | Error)[]) {
  const sent: { id: string; text: string }[] = [];
  let seq = 0;
  const send = (id: string, text: string) => {
    sent.push({ id, text });
    const outcome = outcomes.shift() ?? "ok";
    return outcome === "ok" ? Promise.resolve({ seq: ++seq }) : Promise.reject(outcome);
  };
  return { sent, send };
}

test("messages go out in order, one at a time", async () => {
  const { sent, send } = sender();
  const outbox = new Outbox({ storageKey: null, send });
  outbox.add("one");
  outbox.add("two");
  await vi.runAllTimersAsync();
  expect(sent.map(({ text }) => text)).toEqual(["one", "two"]);
  expect(outbox.snapshot().map(({ seq }) => seq)).toEqual([1, 2]);
});

test("a broken connection repeats the message under the same id", async () => {
  const { sent, send } = sender(new TypeError("offline"), new TypeError("offline"));
  const outbox = new Outbox({ storageKey: null, send });
  outbox.add("hello");
  await vi.runAllTimersAsync();
  expect(sent).toHaveLength(3);
  expect(new Set(sent.map(({ id }) => id)).size).toBe(1);
  expect(outbox.snapshot()[0]?.seq).toBe(1);
});

test("being back online sends at once", async () => {
  const { sent, send } = sender(new TypeError("offline"));
  const outbox = new Outbox({ storageKey: null, send });
  const stop = outbox.start();
  outbox.add("hello");
  await vi.advanceTimersByTimeAsync(0);
  expect(outbox.snapshot()[0]?.state).toBe("waiting");
  window.dispatchEvent(new Event("online"));
  await vi.advanceTimersByTimeAsync(0);
  expect(sent).toHaveLength(2);
  stop();
});

test("what the server refuses is not repeated and does not hold up the next", async () => {
  const { sent, send } = sender(new ApiError(413, "too_large", "too large", null));
  const outbox = new Outbox({ storageKey: null, send });
  outbox.add("long");
  outbox.add("short");
  await vi.runAllTimersAsync();
  expect(sent.map(({ text }) => text)).toEqual(["long", "short"]);
  expect(outbox.snapshot().map(({ state, seq }) => [state, seq])).toEqual([
    ["refused", null],
    ["accepted", 1],
  ]);
});

test("unsent messages survive a reload with their ids", async () => {
  const before = sender(new TypeError("offline"));
  const stopped = new Outbox({ storageKey: KEY, send: before.send });
  const stop = stopped.start();
  stopped.add("hello");
  await vi.advanceTimersByTimeAsync(0);
  stop();
  const after = sender();
  new Outbox({ storageKey: KEY, send: after.send }).start();
  await vi.advanceTimersByTimeAsync(0);
  expect(after.sent).toEqual(before.sent);
  expect(localStorage.getItem(KEY)).toBeNull();
});
