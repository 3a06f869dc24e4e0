import type { IncomingMessage, ServerResponse } from "node:http";
import type { Plugin } from "vite";
import * as data from "./data.ts";
import * as pool from "./pool.ts";
import { run } from "./run.ts";

/** Answers the API in the development server: `npm run dev -- --mode mock`. */
export function mockApi(): Plugin {
  return {
    name: "konstruct-mock",
    configureServer(server) {
      server.middlewares.use((request, response, next) => {
        const { pathname, searchParams } = new URL(request.url ?? "/", "http://mock");
        if (!/^\/(api|channels)\//.test(pathname) || pathname.startsWith("/src/")) {
          next();
          return;
        }
        void answer(request, response, pathname, searchParams);
      });
    },
  };
}

type Answer = (parts: string[], body: unknown, response: ServerResponse, query: URLSearchParams) => unknown;

const list = (items: unknown) => ({ items, next: null });
const one = (items: { id: string }[], key: string | undefined) => items.find(({ id }) => id === key) ?? NOT_FOUND;
const NOT_FOUND = Symbol("404");
const STREAMED = Symbol("streamed");

let said = 2;
const streams = new Set<ServerResponse>();

/** By method and the address with its ids taken out. */
const ROUTES: Record<string, Answer> = {
  "POST /api/auth/refresh": () => ({ access_token: "mock", expires_in: 600, user: data.me.user }),
  "POST /api/auth/login": (_, body) =>
    field(body, "password") === "wrong" ? NOT_FOUND : { access_token: "mock", expires_in: 600, user: data.me.user },
  "POST /api/auth/logout": () => null,
  "POST /api/auth/invitation": () => data.offer,
  "POST /api/auth/invitation/accept": () => ({ access_token: "mock", expires_in: 600, user: data.me.user }),
  "GET /api/me": () => data.me,
  "GET /api/operator/organisations": () => list(data.organisations),
  "GET /api/operator/organisations/*": ([key]) => ({ ...data.organisations.find(({ id }) => id === key), counts: data.counts }),
  "GET /api/organisations/*/projects": () => list(data.projects),
  "GET /api/organisations/*/members": () => list(data.members),
  "GET /api/organisations/*/invitations": () => list(data.invitations),
  "POST /api/organisations/*/invitations": (_, body) => ({
    ...data.invitations[0],
    email: field(body, "email"),
    role: field(body, "role"),
    link: "/invitation#ki_mock.mock",
  }),
  "GET /api/organisations/*/api-keys": () => list(data.keys),
  "POST /api/organisations/*/api-keys": () => ({ ...data.keys[0], key: "kk_3fa9c1d2e5b8a7f60413c2d1e0f9a8b7c6d5e4f3" }),
  "GET /api/organisations/*/audit": () => list(data.audit),
  "GET /api/organisations/*/providers": () => list(pool.providers),
  "GET /api/organisations/*/model-groups": () => list(pool.groups),
  "GET /api/organisations/*/model-groups/*/health": () => list(pool.health),
  "POST /api/organisations/*/providers/*/test": () => ({
    ok: false,
    status: 401,
    latency_ms: 312,
    error: "Incorrect API key provided: sk-…",
    models: [],
  }),
  "GET /api/organisations/*/usage": (_, __, ___, query) => pool.usage(query),
  "GET /api/organisations/*/model-calls": () => list(pool.calls),
  "GET /api/organisations/*/model-calls/*": ([, key]) => one(pool.calls, key),
  "GET /api/organisations/*/virtual-keys": () => list(pool.virtualKeys),
  "POST /api/organisations/*/virtual-keys": () => ({ ...pool.virtualKeys[0], key: "vk_8f3ac1d2e5b8a7f60413c2d1e0f9a8b7c6d5e4f3" }),
  "GET /api/organisations/*/budgets": () => list(pool.budgets),
  "POST /api/organisations/*/budgets": () => pool.budgets[0],
  "GET /api/organisations/*/prices": () => list(pool.prices),
  "GET /api/organisations/*/prices/in-use": () => list(pool.pricesInUse),
  "GET /api/organisations/*/tools": () => list(data.tools),
  "GET /api/organisations/*/projects/*/agents": () => list(data.agents),
  "GET /api/organisations/*/projects/*/agents/*": ([, , key]) => one(data.agents, key),
  "PATCH /api/organisations/*/projects/*/agents/*": ([, , key], body) => Object.assign(one(data.agents, key), body),
  "GET /api/organisations/*/projects/*/agents/*/versions": () => list(data.versions),
  "POST /api/organisations/*/projects/*/agents/*/try": ([, , ,], body) => say(body),
  "GET /api/organisations/*/projects/*/connections": () => list(data.connections),
  "GET /api/organisations/*/projects/*/connections/*": ([, , key]) => one(data.connections, key),
  "POST /api/organisations/*/projects/*/connections": () => data.connections[1],
  "POST /api/organisations/*/projects/*/connections/*/check": () => ({
    checks: [
      { name: "auth.test", ok: true, detail: "The token belongs to the bot “mara” in the workspace Demo." },
      { name: "Events", ok: false, detail: "No event has arrived yet. Verify the request URL in the app’s event subscriptions." },
    ],
  }),
  "GET /api/organisations/*/projects/*/conversations": () => list(data.conversations),
  "GET /api/organisations/*/projects/*/conversations/*": ([, , key]) => one(data.conversations, key),
  "GET /api/organisations/*/projects/*/conversations/*/messages": () => list(data.messages),
  "GET /api/organisations/*/projects/*/conversations/*/events": (_, __, response) => stream(response),
  "GET /api/organisations/*/projects/*/runs/*": () => run,
  "GET /api/organisations/*/projects/*/dead-letters": () => list(data.letters),
  "GET /channels/web/*": () => ({
    agent: { name: "Mara", role: "Support specialist", icon: "🌿", greeting: "Hello, I am Mara. How can I help you today?" },
    title: "Ask Mara",
  }),
  "POST /channels/web/*/visitors": () => ({ visitor_token: "mock-visitor" }),
  "GET /channels/web/*/messages": () => list(data.messages),
  "POST /channels/web/*/messages": (_, body) => say(body),
  "GET /channels/web/*/events": (_, __, response) => stream(response),
};

async function answer(request: IncomingMessage, response: ServerResponse, pathname: string, query: URLSearchParams) {
  const body = await read(request);
  const ids = [...pathname.matchAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g)].map(([key]) => key);
  const route = ROUTES[`${request.method ?? "GET"} ${pathname.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "*")}`];
  const result = route === undefined ? NOT_FOUND : route(ids, body, response, query);
  if (result === STREAMED) return;
  if (result === null) response.writeHead(204).end();
  else if (result === NOT_FOUND) {
    response.writeHead(404, { "content-type": "application/problem+json" });
    response.end(
      JSON.stringify({ title: "Not Found", status: 404, code: "not_found", detail: "there is nothing here, or it is not yours" }),
    );
  } else {
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(result));
  }
}

function stream(response: ServerResponse): typeof STREAMED {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write("retry: 1000\n\n");
  streams.add(response);
  response.on("close", () => streams.delete(response));
  return STREAMED;
}

/** Stores what was said, then streams an answer word by word. */
function say(body: unknown): unknown {
  const seq = ++said;
  const text = field(body, "text");
  const question = {
    seq,
    id: field(body, "id"),
    direction: "inbound" as const,
    text,
    at: new Date().toISOString(),
    sender: { id: "v", name: "You" },
    body: {},
  };
  data.messages.push(question);
  emit("message", `${seq}.0`, question);
  const reply = `You said “${text}”. This is the mock server speaking, one word after the other.`;
  let offset = 0;
  reply.split(/(?<= )/).forEach((word, index, words) =>
    setTimeout(
      () => {
        emit("text", null, { seq, attempt: 1, offset, text: word });
        offset += Buffer.byteLength(word);
        if (index < words.length - 1) return;
        const message = {
          seq,
          id: data.id(600 + seq),
          direction: "outbound" as const,
          text: reply,
          at: new Date().toISOString(),
          state: "confirmed" as const,
          run_id: run.id,
          body: {},
        };
        data.messages.push(message);
        emit("message", `${seq}.1`, message);
      },
      600 + index * 90,
    ),
  );
  return { conversation: data.conversations[0]?.id, seq };
}

function emit(event: string, eventId: string | null, payload: unknown) {
  for (const response of streams)
    response.write(`event: ${event}\n${eventId === null ? "" : `id: ${eventId}\n`}data: ${JSON.stringify(payload)}\n\n`);
}

async function read(request: IncomingMessage): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) if (chunk instanceof Uint8Array) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString();
  return text === "" ? null : JSON.parse(text);
}

function field(body: unknown, name: string): string {
  const value: unknown = typeof body === "object" && body !== null ? Reflect.get(body, name) : undefined;
  return typeof value === "string" ? value : "";
}
