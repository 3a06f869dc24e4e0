import { api, take } from "@/api/client";
import { reach } from "@/api/errors";
import { plainFetch } from "@/api/session";
import { readItem, writeItem } from "@/lib/storage";

/**
 * Who this browser is to one web chat: a token of the server's, kept in local storage. At most one is asked
 * for at a time; a browser that keeps nothing is a new visitor with every page load.
 */
export class Visitor {
  private token: string | null;
  private asking: Promise<string> | null = null;

  constructor(private readonly connection: string) {
    this.token = readItem(this.key());
  }

  get isKnown(): boolean {
    return this.token !== null;
  }

  /** `fetch` as this visitor; a token that counts no longer is replaced once. */
  readonly fetch = async (request: Request): Promise<Response> => {
    const retry = request.clone();
    const used = await this.bearer();
    const response = await reach(bearing(request, used));
    if (response.status !== 401) return response;
    if (this.token === used) this.remember(null);
    return reach(bearing(retry, await this.bearer()));
  };

  private bearer(): Promise<string> {
    if (this.token !== null) return Promise.resolve(this.token);
    this.asking ??= this.ask().finally(() => {
      this.asking = null;
    });
    return this.asking;
  }

  private async ask(): Promise<string> {
    const { visitor_token } = await take(
      api.POST("/channels/web/{connection}/visitors", { params: { path: { connection: this.connection } }, fetch: plainFetch }),
    );
    this.remember(visitor_token);
    return visitor_token;
  }

  private remember(token: string | null) {
    this.token = token;
    writeItem(this.key(), token);
  }

  private key(): string {
    return `konstruct.visitor.${this.connection}`;
  }
}

function bearing(request: Request, token: string): Request {
  request.headers.set("authorization", `Bearer ${token}`);
  return request;
}
