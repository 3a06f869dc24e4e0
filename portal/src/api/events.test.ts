import { expect, test } from "vitest";
import { EventParser, type ServerEvent } from "@/api/events";

function parsed(...chunks: string[]): { events: ServerEvent[]; retries: number[] } {
  const events: ServerEvent[] = [];
  const retries: number[] = [];
  const parser = new EventParser(
    (event) => events.push(event),
    (ms) => retries.push(ms),
  );
  chunks.forEach((chunk) => parser.feed(chunk));
  return { events, retries };
}

test("an event carries its name, id and data", () => {
  expect(parsed("event: text\nid: 3.1\ndata: {}\n\n").events).toEqual([{ event: "text", id: "3.1", data: "{}" }]);
});

test("an event may come in any pieces and with any line ends", () => {
  const whole = parsed("event: message\r\nid: 1.0\r\ndata: hello\r\n\r\n").events;
  expect(parsed("eve", "nt: message\r", "\nid: 1.0\r\nda", "ta: hello\r\n", "\r\n").events).toEqual(whole);
  expect(whole).toEqual([{ event: "message", id: "1.0", data: "hello" }]);
});

test("comments and events without data are not passed on", () => {
  expect(parsed(": ping\n\nevent: nothing\n\n").events).toEqual([]);
});

test("lines of data are joined, and only one space after the colon is dropped", () => {
  expect(parsed("data: a\ndata:  b\ndata\n\n").events[0]?.data).toBe("a\n b\n");
});

test("the server's pause is taken over only when it is a number", () => {
  expect(parsed("retry: 1000\n\nretry: soon\n\n").retries).toEqual([1000]);
});

test("half an event at the end is not an event", () => {
  expect(parsed("data: cut o").events).toEqual([]);
});
