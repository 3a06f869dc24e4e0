import { expect, test as base, type BrowserContext, type Page } from "@playwright/test";

export { expect };

export const OWNER = "owner@localhost";

export function address(): string {
  return process.env.KONSTRUCT_URL ?? "";
}

export function password(): string {
  return process.env.KONSTRUCT_PASSWORD ?? "";
}

/** Logs a whole browser context in; every page of it then refreshes its token from the cookie. */
export async function logIn(context: BrowserContext, email = OWNER, secret = password()): Promise<void> {
  const response = await context.request.post(`${address()}/api/auth/login`, { data: { email, password: secret } });
  expect(response.ok(), `log-in of ${email}: ${response.status()}`).toBe(true);
}

/** Accepts an invitation without a page; the context is logged in by it. */
export async function join(context: BrowserContext, link: string, secret: string): Promise<void> {
  const data = { token: new URL(link).hash.slice(1), password: secret };
  const response = await context.request.post(`${address()}/api/auth/invitation/accept`, { data });
  expect(response.ok(), `accepting an invitation: ${response.status()}`).toBe(true);
}

interface Fixtures {
  /** A page of the owner of the installation, logged in. */
  owner: Page;
  /** What broke in the pages of the test: errors of scripts, and whatever the security policy refused. */
  troubles: string[];
}

export const test = base.extend<Fixtures>({
  baseURL: async ({}, give) => {
    await give(address());
  },
  troubles: async ({}, give) => {
    const troubles: string[] = [];
    await give(troubles);
    expect(troubles).toEqual([]);
  },
  page: async ({ page, troubles }, give) => {
    watch(page, troubles);
    await give(page);
  },
  owner: async ({ page, context }, give) => {
    await logIn(context);
    await give(page);
  },
});

export function watch(page: Page, troubles: string[]) {
  page.on("pageerror", (error) => troubles.push(`${page.url()}: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && /Content Security Policy|Warning:|hydrat|unique "key"/i.test(message.text()))
      troubles.push(message.text());
  });
}

/** A name that no other test uses. */
export function unique(stem: string): string {
  return `${stem}-${Date.now().toString(36)}${Math.floor(Math.random() * 1e6).toString(36)}`;
}

export async function toast(page: Page, words: string | RegExp) {
  await expect(page.getByRole("status").filter({ hasText: words }).first()).toBeVisible();
}
