import { Demo } from "./api";
import { expect, join, test, toast, unique } from "./fixtures";
import { FakeModels } from "./fake-models";
import { faint, faults } from "./readable";

let models: FakeModels;

test.beforeAll(async () => {
  models = await FakeModels.open();
});

test.afterAll(() => models.close());

/** A provider that works, its one model in a group, and what the model costs. */
async function pool(demo: Demo, name: string): Promise<void> {
  await demo.make(`${demo.organisation}/providers`, { name, wire: "openai-chat", base_url: models.url, api_key: FakeModels.KEY });
  await demo.make(`${demo.organisation}/model-groups`, { name, models: [{ provider: name, model: FakeModels.MODEL }] });
  const price = { provider: name, model: FakeModels.MODEL, input_per_million: 100, output_per_million: 200 };
  await demo.put(`${demo.organisation}/prices`, price);
}

test("testing a provider tells what the provider itself says", async ({ owner, request }) => {
  const name = unique("tested");
  const demo = await Demo.open(request);
  await demo.make(`${demo.organisation}/providers`, { name, wire: "openai-chat", base_url: models.url, api_key: "sk-wrong" });
  await owner.goto("/o/demo/models");
  const row = owner.getByRole("listitem").filter({ hasText: name });
  await owner.getByRole("button", { name: `Test ${name}` }).click();
  await expect(row.getByText(/Refused with status 401 after/)).toBeVisible();
  await expect(row.getByText(/Incorrect API key provided/)).toBeVisible();

  await owner.getByRole("button", { name: `Edit ${name}` }).click();
  await owner.getByRole("dialog").getByLabel("API key").fill(FakeModels.KEY);
  await owner.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await toast(owner, "The provider is saved.");
  await owner.getByRole("button", { name: `Test ${name}` }).click();
  await expect(row.getByText(/It works, and answered in/)).toBeVisible();
  await row.getByText("It has 1 model").click();
  await expect(row.getByText(FakeModels.MODEL)).toBeVisible();
});

test("a group's models are put in order by keyboard and pointer, and what it says is kept", async ({ owner }) => {
  const name = unique("ordered");
  await owner.goto("/o/demo/models");
  await owner.getByRole("button", { name: "Add model group" }).click();
  const dialog = owner.getByRole("dialog", { name: "Add model group" });
  await dialog.getByLabel("Name").fill(name);
  for (const [index, model] of ["first", "second", "third"].entries()) {
    if (index > 0) await dialog.getByRole("button", { name: "Add model" }).click();
    const row = dialog.getByRole("listitem", { name: `Model ${index + 1}` });
    await row.getByLabel("Provider", { exact: true }).selectOption("builtin");
    await row.getByLabel("Model", { exact: true }).fill(model);
  }
  await dialog.getByRole("button", { name: "Move third, 3 of 3" }).focus();
  await owner.keyboard.press("ArrowUp");
  await expect(dialog.getByRole("button", { name: "Move third, 2 of 3" })).toBeFocused();
  await owner.keyboard.press("ArrowUp");
  await expect(dialog.getByRole("button", { name: "Move third, 1 of 3" })).toBeFocused();

  const from = await dialog.getByRole("button", { name: /^Move second/ }).boundingBox();
  const to = await dialog.getByRole("listitem", { name: "Model 1" }).boundingBox();
  if (from === null || to === null) throw new Error("the rows have no place on the screen");
  await owner.mouse.move(from.x + from.width / 2, from.y + from.height / 2);
  await owner.mouse.down();
  await owner.mouse.move(from.x, to.y + to.height + 4, { steps: 4 });
  await owner.mouse.move(from.x, to.y + 4, { steps: 4 });
  await owner.mouse.up();
  await expect(dialog.getByRole("button", { name: "Move second, 1 of 3" })).toBeVisible();

  await dialog.getByLabel("Which model is asked first").selectOption("By weight");
  await dialog.getByRole("listitem", { name: "Model 2" }).getByLabel("Weight").fill("7");
  await dialog.getByText("Time-outs and retries").click();
  await dialog.getByLabel("Seconds to the first token").fill("2.5");
  await dialog.getByRole("button", { name: "Save" }).click();
  await toast(owner, "The model group is saved.");
  const card = owner.getByRole("listitem").filter({ hasText: name }).first();
  await expect(card.getByRole("listitem")).toHaveText([/second.*weight 1/, /third.*weight 7/, /first.*weight 1/]);

  await owner.getByRole("button", { name: `Edit ${name}` }).click();
  const again = owner.getByRole("dialog");
  await expect(again.getByLabel("Seconds to the first token")).toHaveValue("2.5");
  await expect(again.getByRole("listitem", { name: "Model 2" }).getByLabel("Model", { exact: true })).toHaveValue("third");
});

test("a key is made with a budget, its calls are seen and counted, and it is closed again", async ({ owner, request }) => {
  const name = unique("program");
  await pool(await Demo.open(request), name);
  await owner.goto("/o/demo/models/keys");
  await owner.getByRole("button", { name: "Create key" }).click();
  const dialog = owner.getByRole("dialog", { name: "Create key" });
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByLabel(name, { exact: true }).check();
  await dialog.getByLabel("Requests a minute").fill("600");
  await dialog.getByLabel("Give it a budget").check();
  await dialog.getByLabel("US dollars").fill("2");
  await dialog.getByRole("button", { name: "Create" }).click();
  const made = owner.getByRole("dialog", { name: "Your new key" });
  const key = (await made.locator("code").first().textContent()) ?? "";
  expect(key.length).toBeGreaterThan(20);
  await made.getByRole("tab", { name: "Claude Code" }).click();
  await expect(made.getByLabel("Claude Code", { exact: true }).getByText(key)).toBeVisible();
  await made.getByRole("button", { name: "I have saved it" }).click();
  await expect(owner.getByText(key)).toHaveCount(0);

  const ask = () =>
    request.post("/llm/v1/chat/completions", {
      headers: { authorization: `Bearer ${key}` },
      data: { model: name, messages: [{ role: "user", content: "Hello" }], max_tokens: 500 },
    });
  expect((await ask()).status()).toBe(200);

  // 1,000 tokens in at 100 and 500 out at 200 dollars a million.
  await owner.goto("/o/demo/models/spend?period=day&by=key");
  const link = owner.getByRole("link", { name: `See calls of ${name}` });
  await expect(owner.getByRole("row").filter({ has: link })).toContainText("$0.200");
  for (const colorScheme of ["dark", "light"] as const) {
    await owner.emulateMedia({ colorScheme });
    expect(await faults(owner)).toEqual([]);
    expect(await faint(owner)).toEqual([]);
  }
  await owner.getByText("Show as a table").first().click();
  await expect(owner.getByRole("region", { name: "Over time" })).toContainText("$0.200");
  await expect(owner.getByRole("region", { name: "Over time" }).getByRole("link").first()).toHaveAttribute("href", /models\/calls\?since=/);
  await link.click();
  await expect(owner.getByRole("button", { name: `Remove filter Key: ${name}` })).toBeVisible();
  const call = owner.getByRole("row").filter({ hasText: FakeModels.MODEL });
  await expect(call).toContainText("Answered");
  await call.getByRole("link").click();
  await expect(owner.getByRole("heading", { level: 1, name: "Model call" })).toBeVisible();
  await expect(owner.getByText("OpenAI chat completions · In one piece")).toBeVisible();
  await expect(owner.getByText("$0.200")).toBeVisible();

  await owner.goto("/o/demo/models/budgets");
  const budget = owner.getByRole("listitem").filter({ hasText: name });
  await expect(budget.getByText("$0.200 of $2.00")).toBeVisible();
  await expect(budget.getByText("10 %")).toBeVisible();

  await owner.goto("/o/demo/models/keys");
  await owner.getByRole("button", { name: `More actions for ${name}` }).click();
  await owner.getByRole("menuitem", { name: "Disable" }).click();
  await owner.getByRole("dialog").getByRole("button", { name: "Disable" }).click();
  await toast(owner, "The key is disabled.");
  expect((await ask()).status()).toBe(401);
  await owner.getByRole("button", { name: `More actions for ${name}` }).click();
  await owner.getByRole("menuitem", { name: "Delete" }).click();
  await owner.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await toast(owner, "The key is deleted.");
  await expect(owner.getByRole("row").filter({ hasText: name })).toHaveCount(0);
});

test("a budget is made, changed and removed", async ({ owner, request }) => {
  const name = unique("thrifty");
  const demo = await Demo.open(request);
  await demo.make(`${demo.project}/agents`, { name, config: { role: "Clerk" } });
  await owner.goto("/o/demo/models/budgets");
  await owner.getByRole("button", { name: "Create budget" }).click();
  const dialog = owner.getByRole("dialog", { name: "Create budget" });
  await dialog.getByLabel("For").selectOption("An agent");
  await dialog.getByLabel("Agent", { exact: true }).selectOption(name);
  await dialog.getByLabel("Tell people at").fill("half");
  await dialog.getByLabel("US dollars").fill("5");
  await dialog.getByRole("button", { name: "Create" }).click();
  await expect(dialog.getByText(/whole percents/)).toBeVisible();
  await dialog.getByLabel("Tell people at").fill("90, 50");
  await dialog.getByLabel("While the database is away").selectOption("Let calls pass");
  await dialog.getByRole("button", { name: "Create" }).click();
  await toast(owner, "The budget holds from now on.");
  const card = owner.getByRole("listitem").filter({ hasText: name });
  await expect(card).toContainText("$0 of $5.00");
  await expect(card).toContainText("while the database is away, calls pass");

  await owner.getByRole("button", { name: `Edit the budget of ${name}` }).click();
  await expect(owner.getByRole("dialog").getByLabel("Tell people at")).toHaveValue("50, 90");
  await owner.getByRole("dialog").getByLabel("US dollars").fill("7.50");
  await owner.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await expect(card).toContainText("$0 of $7.50");
  await owner.getByRole("button", { name: `Remove ${name}` }).click();
  await owner.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(card).toHaveCount(0);
});

test("a model's price is set where none was known, and taken back", async ({ owner, request }) => {
  const name = unique("priced");
  const demo = await Demo.open(request);
  await demo.make(`${demo.organisation}/providers`, { name, wire: "openai-chat", base_url: models.url, api_key: FakeModels.KEY });
  await demo.make(`${demo.organisation}/model-groups`, { name, models: [{ provider: name, model: `${name}-model` }] });
  await owner.goto("/o/demo/models/prices");
  const row = owner
    .getByRole("table", { name: "Models you use" })
    .getByRole("row")
    .filter({ hasText: `${name}-model` });
  await expect(row).toContainText("Unknown");
  await row.getByRole("button", { name: `Set a price for ${name}-model` }).click();
  await owner.getByRole("dialog").getByLabel("Input", { exact: true }).fill("1.25");
  await owner.getByRole("dialog").getByLabel("Output", { exact: true }).fill("10");
  await owner.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await expect(row).toContainText("Own");
  await expect(row).toContainText("$1.25");
  await row.getByRole("button", { name: "Remove" }).click();
  await owner.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await expect(row).toContainText("Unknown");

  await owner.getByRole("searchbox", { name: "Search models" }).fill("claude-opus-4-1");
  await expect(owner.getByRole("table", { name: "List prices" }).getByRole("row")).toHaveCount(2);
});

test("a member sees the pool's pages and changes nothing", async ({ browser, request }) => {
  const link = await (await Demo.open(request)).invite(`${unique("reader")}@example.test`);
  const context = await browser.newContext();
  await join(context, link, "correct horse battery");
  const page = await context.newPage();
  for (const [path, action] of Object.entries({
    "": "Add model group",
    "/keys": "Create key",
    "/budgets": "Create budget",
    "/prices": "Set a price",
  })) {
    await page.goto(`/o/demo/models${path}`);
    await expect(page.getByRole("button", { name: action, exact: true }).first()).toBeDisabled();
    await expect(page.getByRole("alert")).toHaveCount(0);
  }
  await page.goto("/o/demo/models/spend");
  await expect(page.getByRole("heading", { level: 1, name: "Spend" })).toBeVisible();
  await expect(page.getByRole("alert")).toHaveCount(0);
  await context.close();
});
