import type { APIRequestContext } from "@playwright/test";
import { z } from "zod";
import { Demo } from "./api";
import { address, expect, test, toast, unique } from "./fixtures";

interface Stuck {
  demo: Demo;
  group: string;
  name: string;
  question: string;
}

/** An agent whose model is out of reach, and a visitor's question to it. */
async function askNobody(request: APIRequestContext): Promise<Stuck> {
  const demo = await Demo.open(request);
  const name = unique("silent");
  await demo.make(`${demo.organisation}/providers`, {
    name,
    wire: "openai-chat",
    base_url: "https://models.invalid/v1",
    api_key: "sk-none",
  });
  await demo.make(`${demo.organisation}/providers`, { name: `${name}-offline`, wire: "builtin", base_url: "" });
  const group = await demo.make(`${demo.organisation}/model-groups`, { name, models: [{ provider: name, model: "none-1" }] });
  const agent = await demo.make(`${demo.project}/agents`, { name, config: { model_group: name } });
  await demo.publish(agent);
  const chat = await demo.make(`${demo.project}/connections`, { name, channel: "web", agent_id: agent });
  const question = `How do I connect Slack, ${name}?`;
  const channel = `${address()}/channels/web/${chat}`;
  const welcome = await request.post(`${channel}/visitors`, { data: {} });
  const { visitor_token: token } = z.object({ visitor_token: z.string() }).parse(await welcome.json());
  const said = await request.post(`${channel}/messages`, {
    data: { id: name, text: question },
    headers: { authorization: `Bearer ${token}` },
  });
  expect(said.status()).toBe(202);
  return { demo, group, name, question };
}

test("what could not be answered waits with its reason, and is answered when it is replayed", async ({ owner, request }) => {
  test.setTimeout(150_000);
  const { demo, group, name, question } = await askNobody(request);
  await owner.goto("/o/demo/p/default/dead-letters");
  const letters = owner.getByRole("main").getByRole("listitem").filter({ hasText: "No answer could be made" });
  await expect(async () => {
    await owner.reload();
    await expect(letters).toHaveCount(1, { timeout: 2_000 });
  }).toPass({ timeout: 90_000 });
  await expect(letters).toContainText(`no model answered: ${name}/none-1 could not be reached`);
  await expect(owner.getByText("sk-none")).toHaveCount(0);
  for (const scheme of ["light", "dark"] as const) {
    await owner.emulateMedia({ colorScheme: scheme });
    await owner.screenshot({ path: `test-results/dead-letters-waiting-${scheme}.png`, animations: "disabled" });
  }
  await owner.setViewportSize({ width: 390, height: 844 });
  expect(await owner.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);
  await owner.screenshot({ path: "test-results/dead-letters-waiting-narrow.png", fullPage: true });
  await owner.setViewportSize({ width: 1280, height: 900 });
  await owner.emulateMedia({ colorScheme: "light" });

  await demo.change(`${demo.organisation}/model-groups/${group}`, { models: [{ provider: `${name}-offline`, model: "quotes" }] });
  await letters.getByRole("button", { name: "Replay" }).click();
  await toast(owner, "It is being tried again.");
  await expect(letters.getByText("Replayed")).toBeVisible();
  await expect(letters.getByRole("button", { name: "Replay" })).toBeDisabled();
  await letters.getByRole("link", { name: "Open conversation" }).click();
  await expect(owner.getByRole("log").getByText(question).first()).toBeVisible();
  await expect(owner.getByRole("log").getByText("built-in offline model").first()).toBeVisible({ timeout: 45_000 });

  await owner.goBack();
  await letters.getByRole("button", { name: "Dismiss" }).click();
  await owner.getByRole("dialog", { name: "Dismiss this message?" }).getByRole("button", { name: "Dismiss" }).click();
  await toast(owner, "Dismissed.");
  await expect(owner.getByText("Nothing is stuck")).toBeVisible();

  await owner.goto("/o/demo/audit");
  for (const action of ["dead_letter.dismiss", "dead_letter.replay"]) {
    await expect(owner.getByRole("row").filter({ hasText: action }).first()).toBeVisible();
  }
});
