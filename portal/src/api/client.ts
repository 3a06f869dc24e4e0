import createClient from "openapi-fetch";
import { problemOf } from "@/api/errors";
import type { components, paths } from "@/api/schema";
import { authorizedFetch } from "@/api/session";

/** The names the server's document gives to its shapes. */
export type Schemas = components["schemas"];

export const api = createClient<paths>({ baseUrl: window.location.origin, fetch: authorizedFetch });

/** The body of a call that answers with one; throws `ApiError`. */
export async function take<Data>(call: Promise<{ data?: Data; error?: unknown; response: Response }>): Promise<NonNullable<Data>> {
  const { data, error, response } = await call;
  if (!response.ok || data === undefined || data === null) throw problemOf(response.status, error);
  return data;
}

/** For calls whose answer has no body. */
export async function done(call: Promise<{ error?: unknown; response: Response }>): Promise<void> {
  const { error, response } = await call;
  if (!response.ok) throw problemOf(response.status, error);
}
