import { expect, type APIRequestContext } from "@playwright/test";
import { z } from "zod";
import { address, OWNER, password } from "./fixtures";

const namedSchema = z.object({ id: z.string(), name: z.string() });
const whoSchema = z.object({ organisations: z.array(namedSchema.extend({ projects: z.array(namedSchema) })) });

/** The demo organisation as its owner's scripts see it: for setting up what a test then looks at in the browser. */
export class Demo {
  private constructor(
    private readonly request: APIRequestContext,
    private readonly token: string,
    readonly organisation: string,
    readonly project: string,
  ) {}

  static async open(request: APIRequestContext): Promise<Demo> {
    const login = await request.post(`${address()}/api/auth/login`, { data: { email: OWNER, password: password() } });
    const { access_token: token } = z.object({ access_token: z.string() }).parse(await login.json());
    const answer = await request.get(`${address()}/api/me`, { headers: { authorization: `Bearer ${token}` } });
    const me = whoSchema.parse(await answer.json());
    const demo = me.organisations.find(({ name }) => name === "demo");
    const project = demo?.projects.find(({ name }) => name === "default");
    if (demo === undefined || project === undefined) throw new Error("there is no organisation demo with a project default");
    const organisation = `/api/organisations/${demo.id}`;
    return new Demo(request, token, organisation, `${organisation}/projects/${project.id}`);
  }

  /** Makes something; returns its id. */
  async make(path: string, data: unknown): Promise<string> {
    return z.object({ id: z.string() }).parse(await this.send("post", path, data)).id;
  }

  /** Invites a person; returns the link. */
  async invite(email: string): Promise<string> {
    const made = await this.send("post", `${this.organisation}/invitations`, { email, role: "member" });
    return new URL(z.object({ link: z.string() }).parse(made).link, address()).href;
  }

  async publish(agent: string): Promise<void> {
    await this.send("post", `${this.project}/agents/${agent}/publish`, {});
  }

  async change(path: string, data: unknown): Promise<void> {
    await this.send("patch", path, data);
  }

  async put(path: string, data: unknown): Promise<void> {
    await this.send("put", path, data);
  }

  private async send(method: "post" | "patch" | "put", path: string, data: unknown): Promise<unknown> {
    const answer = await this.request[method](`${address()}${path}`, { data, headers: { authorization: `Bearer ${this.token}` } });
    expect(answer.ok(), `${method} ${path}: ${answer.status()} ${await answer.text()}`).toBe(true);
    return answer.json();
  }
}
