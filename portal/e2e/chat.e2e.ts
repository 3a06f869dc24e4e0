import type { Page } from "@playwright/test";
import { expect, test, unique, watch } from "./fixtures";

/** The address of a hosted chat page: the one that the first run makes. */
async function chatAddress(owner: Page): Promise<string> {
  await owner.goto("/o/demo/p/default/connections");
  await owner.getByRole("listitem").filter({ hasText: "Web chat" }).first().getByRole("link").first().click();
  const href = await owner.getByRole("link", { name: "Open chat page" }).getAttribute("href");
  return new URL(href ?? "").pathname;
}

test("a visitor is answered, a reload in mid-conversation resumes, and the team sees it with its run", async ({
  owner,
  browser,
  troubles,
}) => {
  const address = await chatAddress(owner);
  const visitor = await (await browser.newContext({ baseURL: new URL(owner.url()).origin })).newPage();
  watch(visitor, troubles);
  await visitor.goto(address);
  await expect(visitor.getByText("You are talking to an AI.")).toBeVisible();
  const question = unique("How do I connect Slack");
  await visitor.getByLabel("Write a message").fill(question);
  await visitor.keyboard.press("Enter");
  await expect(visitor.getByRole("log").getByText(question)).toBeVisible();
  await visitor.reload();
  await expect(visitor.getByRole("log").getByText(question)).toBeVisible();
  const answers = visitor
    .getByRole("log")
    .getByRole("listitem")
    .filter({ hasText: "Mara" })
    .filter({ has: visitor.locator("time") });
  await expect(answers).toHaveCount(1, { timeout: 45_000 });

  await visitor.getByLabel("Write a message").fill("And a model provider?");
  await visitor.keyboard.press("Enter");
  await expect(answers).toHaveCount(2, { timeout: 45_000 });
  await expect(visitor.getByRole("log").getByText(question)).toHaveCount(1);

  await owner.goto("/o/demo/p/default/conversations");
  await owner.getByLabel("Search in messages").fill(question);
  await owner.keyboard.press("Enter");
  await owner.getByRole("link", { name: question }).click();
  await expect(owner.getByText("Live")).toBeVisible();
  await owner.getByRole("link", { name: "How it was made" }).first().click();
  const run = owner.getByLabel("How this answer was made");
  await expect(run.getByText("Done")).toBeVisible();
  await expect(run.getByRole("listitem").filter({ hasText: "Asked the model" })).toBeVisible();
  await expect(run.getByRole("img", { name: "Timeline" })).toBeVisible();
  await owner.screenshot({ path: "test-results/conversation.png" });

  await visitor.getByLabel("Write a message").fill("Thank you!");
  await visitor.keyboard.press("Enter");
  await expect(owner.getByRole("log").getByText("Thank you!")).toBeVisible();
  await visitor.context().close();
});

test("what is written offline is kept, survives a reload, and is sent once", async ({ owner, browser, troubles }) => {
  const address = await chatAddress(owner);
  const context = await browser.newContext({ baseURL: new URL(owner.url()).origin });
  const visitor = await context.newPage();
  watch(visitor, troubles);
  await visitor.goto(address);
  await visitor.getByLabel("Write a message").fill("First");
  await visitor.keyboard.press("Enter");
  await expect(visitor.getByRole("log").getByRole("listitem").filter({ hasText: "Mara" }).first()).toBeVisible();
  await context.setOffline(true);
  await visitor.getByLabel("Write a message").fill("Written on the train");
  await visitor.keyboard.press("Enter");
  await expect(visitor.getByText("Waiting for the connection")).toBeVisible();
  await expect(visitor.getByText("No connection.", { exact: false })).toBeVisible();
  await context.setOffline(false);
  await visitor.reload();
  await expect(visitor.getByText("Waiting for the connection")).toHaveCount(0);
  await expect(visitor.getByRole("log").getByText("Written on the train")).toHaveCount(1);
  await visitor.reload();
  await expect(visitor.getByRole("log").getByText("Written on the train")).toHaveCount(1);
  await context.close();
});

test("visitors do not see each other", async ({ owner, browser, troubles }) => {
  const address = await chatAddress(owner);
  const origin = new URL(owner.url()).origin;
  const words = unique("secret");
  for (const [index, expected] of [1, 0].entries()) {
    const context = await browser.newContext({ baseURL: origin });
    const visitor = await context.newPage();
    watch(visitor, troubles);
    await visitor.goto(address);
    if (index === 0) {
      await visitor.getByLabel("Write a message").fill(words);
      await visitor.keyboard.press("Enter");
    } else {
      await expect(visitor.getByLabel("Write a message")).toBeVisible();
    }
    await expect(visitor.getByRole("log").getByText(words)).toHaveCount(expected);
    await context.close();
  }
});

test("a chat that does not exist says so", async ({ page }) => {
  await page.goto("/chat/00000000-0000-7000-8000-000000000000");
  await expect(page.getByText("This chat is not available")).toBeVisible();
});

test("a right-to-left message stands right in a narrow window", async ({ owner, browser, troubles }) => {
  const address = await chatAddress(owner);
  const context = await browser.newContext({
    baseURL: new URL(owner.url()).origin,
    viewport: { width: 390, height: 800 },
    colorScheme: "dark",
  });
  const visitor = await context.newPage();
  watch(visitor, troubles);
  await visitor.goto(address);
  await visitor.getByLabel("Write a message").fill("مرحبا، كيف أبدأ؟");
  await visitor.keyboard.press("Enter");
  await expect(visitor.getByText("مرحبا، كيف أبدأ؟")).toHaveCSS("direction", "rtl");
  expect(await visitor.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);
  await visitor.screenshot({ path: "test-results/chat-narrow-dark.png" });
  await context.close();
});
