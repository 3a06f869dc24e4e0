import { reach, Unreachable } from "@/api/errors";

/**
 * Who is logged in. The access token lives in this module's memory only; the refresh token is a cookie
 * that scripts cannot read. Invariant: at most one refresh is under way, over all tabs, because a refresh
 * token that is used twice ends the session.
 */
export type SessionState = "unknown" | "signed-in" | "signed-out";

interface Grant {
  access_token: string;
}

let token: string | null = null;
let state: SessionState = "unknown";
let refreshing: Promise<boolean> | null = null;
const listeners = new Set<() => void>();

export function sessionState(): SessionState {
  return state;
}

export function onSessionChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function beginSession(grant: Grant) {
  token = grant.access_token;
  enter("signed-in");
}

export function endSession() {
  token = null;
  enter("signed-out");
}

/** Asks for a new access token with the cookie. False: nobody is logged in. Throws when the server is out of reach. */
export function refreshSession(): Promise<boolean> {
  refreshing ??= exclusively(exchange).finally(() => {
    refreshing = null;
  });
  return refreshing;
}

/** `fetch` in the name of the user: bearer token, and one silent refresh when it has run out. */
export async function authorizedFetch(request: Request): Promise<Response> {
  const retry = request.clone();
  const used = token;
  const response = await reach(bearing(request, used));
  if (response.status !== 401) return response;
  const renewed = token !== used && token !== null ? true : await refreshSession();
  return renewed ? reach(bearing(retry, token)) : response;
}

/** `fetch` for public pages: without the log-in of a person who happens to use the portal in the same browser. */
export function plainFetch(request: Request): Promise<Response> {
  return reach(request);
}

function bearing(request: Request, bearer: string | null): Request {
  if (bearer !== null) request.headers.set("authorization", `Bearer ${bearer}`);
  return request;
}

async function exchange(): Promise<boolean> {
  const response = await reach("/api/auth/refresh", { method: "POST", credentials: "same-origin" });
  if (response.ok) {
    const body: unknown = await response.json();
    if (isGrant(body)) {
      beginSession(body);
      return true;
    }
  }
  if (response.status >= 500) throw new Unreachable("the server cannot refresh the session now");
  endSession();
  return false;
}

async function exclusively(work: () => Promise<boolean>): Promise<boolean> {
  // Absent outside secure contexts, whatever the types say: then only this tab is guarded.
  const { locks }: { locks?: LockManager | null } = navigator;
  return locks ? locks.request("konstruct.refresh", work) : work();
}

function isGrant(body: unknown): body is Grant {
  return typeof body === "object" && body !== null && "access_token" in body && typeof body.access_token === "string";
}

function enter(next: SessionState) {
  if (state === next) return;
  state = next;
  listeners.forEach((listener) => listener());
}
