import { afterEach, expect, test, vi } from "vitest";
import { Unreachable } from "@/api/errors";
import { authorizedFetch, beginSession, endSession, refreshSession, sessionState } from "@/api/session";

const REFRESH = "/api/auth/refresh";

/** A server that knows one good token at a time and gives out the next. */
function server({ good, refuses }: { good: string; refuses?: boolean }) {
  const calls: string[] = [];
  let current = good;
  const answer = (input: Request | string): Promise<Response> => {
    const path = typeof input === "string" ? input : new URL(input.url).pathname;
    calls.push(path);
    if (path === REFRESH) {
      if (refuses === true) return Promise.resolve(new Response(null, { status: 401 }));
      current = `${current}+`;
      return Promise.resolve(Response.json({ access_token: current, expires_in: 600 }));
    }
    const bearer = typeof input === "string" ? null : input.headers.get("authorization");
    return Promise.resolve(new Response(null, { status: bearer === `Bearer ${current}` ? 200 : 401 }));
  };
  vi.stubGlobal("fetch", answer);
  return calls;
}

afterEach(() => {
  vi.unstubAllGlobals();
  endSession();
});

const request = () => new Request("http://localhost/api/me");

test("a token that has run out is refreshed silently, once, and the call is repeated", async () => {
  const calls = server({ good: "new" });
  beginSession({ access_token: "old" });
  expect((await authorizedFetch(request())).status).toBe(200);
  expect(calls).toEqual(["/api/me", REFRESH, "/api/me"]);
});

test("calls that fail together share one refresh", async () => {
  const calls = server({ good: "new" });
  beginSession({ access_token: "old" });
  const answers = await Promise.all([authorizedFetch(request()), authorizedFetch(request()), authorizedFetch(request())]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(calls.filter((path) => path === REFRESH)).toHaveLength(1);
});

test("without a session to refresh the person is logged out", async () => {
  server({ good: "new", refuses: true });
  beginSession({ access_token: "old" });
  expect((await authorizedFetch(request())).status).toBe(401);
  expect(sessionState()).toBe("signed-out");
});

test("a server that is down logs nobody out", async () => {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(null, { status: 503 })));
  beginSession({ access_token: "good" });
  await expect(refreshSession()).rejects.toThrow(Unreachable);
  expect(sessionState()).toBe("signed-in");
});
