import { t } from "@/i18n/translate";

/** What the server refused, in its own words (problem+json). */
export class ApiError extends Error {
  override name = "ApiError";

  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly requestId: string | null,
  ) {
    super(detail);
  }
}

/** No answer at all: no network, or no server. */
export class Unreachable extends Error {
  override name = "Unreachable";
}

/** `fetch`, whose failure to reach anything is told apart from mistakes in our own code. */
export async function reach(request: Request | string, init?: RequestInit): Promise<Response> {
  try {
    return await fetch(request, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Unreachable("no answer", { cause: error });
  }
}

/** Builds the error of an answer whose body may be a problem, something else or nothing. */
export function problemOf(status: number, body: unknown): ApiError {
  const code = text(body, "code") ?? `http_${status}`;
  const detail = text(body, "detail") ?? text(body, "title") ?? t("error.status", { status: String(status) });
  return new ApiError(status, code, detail, text(body, "request_id"));
}

/** One sentence for the person in front of the screen. */
export function describe(error: unknown): string {
  if (error instanceof ApiError) return sentence(error.detail);
  if (error instanceof Unreachable) return t("error.network");
  return t("error.unexpected");
}

export function isStatus(error: unknown, status: number): boolean {
  return error instanceof ApiError && error.status === status;
}

function text(body: unknown, name: string): string | null {
  if (typeof body !== "object" || body === null) return null;
  const value: unknown = Reflect.get(body, name);
  return typeof value === "string" && value !== "" ? value : null;
}

function sentence(words: string): string {
  const first = words.charAt(0).toLocaleUpperCase() + words.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
