/**
 * Server-sent events over `fetch`, because `EventSource` cannot carry a bearer token. Goes on from the last
 * event id after a break; a stream that stays silent longer than its pings is taken for broken.
 */
export interface ServerEvent {
  event: string;
  id: string | null;
  data: string;
}

export type LinkState = "connecting" | "live" | "broken" | "ended";

export interface Following {
  url: string;
  fetch: (request: Request) => Promise<Response>;
  /** Where to go on from; read again before every attempt. */
  lastEventId: () => string | null;
  onEvent: (event: ServerEvent) => void;
  onState: (state: LinkState) => void;
}

const SILENCE_MS = 40_000;
const LONGEST_PAUSE_MS = 15_000;

/** Follows until the returned function is called, or until the server says that there is nothing to follow. */
export function follow(following: Following): () => void {
  const stop = new AbortController();
  void run(following, stop.signal);
  return () => stop.abort();
}

async function run(following: Following, stop: AbortSignal) {
  let pause = 1000;
  let failures = 0;
  while (!stop.aborted) {
    following.onState("connecting");
    const outcome = await attempt(following, stop, {
      opened: () => {
        failures = 0;
        following.onState("live");
      },
      retry: (ms) => {
        pause = ms;
      },
    });
    if (stop.aborted) return;
    if (outcome === "refused") {
      following.onState("ended");
      return;
    }
    following.onState("broken");
    failures += 1;
    await sleep(Math.min(LONGEST_PAUSE_MS, pause * 2 ** Math.min(failures - 1, 5)) * (0.75 + Math.random() / 2), stop);
  }
}

interface Notes {
  opened: () => void;
  retry: (ms: number) => void;
}

async function attempt(following: Following, stop: AbortSignal, notes: Notes): Promise<"refused" | "broken"> {
  const silence = new AbortController();
  let watchdog = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    const headers = new Headers({ accept: "text/event-stream" });
    const last = following.lastEventId();
    if (last !== null) headers.set("last-event-id", last);
    const signal = AbortSignal.any([stop, silence.signal]);
    const response = await following.fetch(new Request(following.url, { headers, signal, cache: "no-store" }));
    if (!response.ok || response.body === null) {
      return response.status >= 400 && response.status < 500 && response.status !== 429 ? "refused" : "broken";
    }
    notes.opened();
    const parser = new EventParser(following.onEvent, notes.retry);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return "broken";
      clearTimeout(watchdog);
      watchdog = setTimeout(() => silence.abort(), SILENCE_MS);
      parser.feed(value);
    }
  } catch {
    return "broken";
  } finally {
    clearTimeout(watchdog);
  }
}

/** The line protocol of https://html.spec.whatwg.org/multipage/server-sent-events.html. */
export class EventParser {
  private rest = "";
  private event = "";
  private id: string | null = null;
  private data: string[] = [];

  constructor(
    private readonly emit: (event: ServerEvent) => void,
    private readonly retry: (ms: number) => void,
  ) {}

  feed(chunk: string) {
    const text = this.rest + chunk;
    // A lone CR at the very end may be half of CRLF: it waits for the next chunk.
    const lines = text.split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
    lines.forEach((line) => this.line(line));
  }

  private line(line: string) {
    if (line === "") {
      this.dispatch();
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.event = value;
    else if (field === "data") this.data.push(value);
    else if (field === "id") this.id = value;
    else if (field === "retry" && /^\d+$/.test(value)) this.retry(Number(value));
  }

  private dispatch() {
    if (this.data.length > 0) {
      this.emit({ event: this.event === "" ? "message" : this.event, id: this.id, data: this.data.join("\n") });
    }
    this.event = "";
    this.id = null;
    this.data = [];
  }
}

function sleep(ms: number, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(end, ms);
    // Coming back online is worth an attempt at once.
    window.addEventListener("online", end, { once: true });
    stop.addEventListener("abort", end, { once: true });
    function end() {
      clearTimeout(timer);
      window.removeEventListener("online", end);
      resolve();
    }
  });
}
