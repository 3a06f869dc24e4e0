import { expect, test, toast, unique } from "./fixtures";

test("projects are created, renamed and deleted", async ({ owner }) => {
  const name = unique("project");
  await owner.goto("/o/demo/projects");
  await owner.getByRole("button", { name: "Create project" }).click();
  await owner.getByRole("dialog").getByLabel("Name").fill(name);
  await owner.getByRole("dialog").getByRole("button", { name: "Create" }).click();
  await owner.getByRole("link", { name, exact: true }).click();
  await expect(owner.getByText("Getting started")).toBeVisible();
  await owner.getByRole("button", { name: "Choose organisation and project" }).click();
  await owner.getByRole("menuitem", { name: "default" }).first().click();
  await expect(owner).toHaveURL(/\/p\/default$/);

  await owner.goto("/o/demo/projects");
  await owner.getByRole("button", { name: `More actions for ${name}` }).click();
  await owner.getByRole("menuitem", { name: "Rename" }).click();
  await owner.getByRole("dialog").getByLabel("Name").fill(`${name}-b`);
  await owner.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await owner.getByRole("button", { name: `More actions for ${name}-b` }).click();
  await owner.getByRole("menuitem", { name: "Delete" }).click();
  await owner.getByRole("dialog").getByRole("textbox").fill(`${name}-b`);
  await owner.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await expect(owner.getByRole("link", { name: `${name}-b` })).toHaveCount(0);
});

test("a provider and a model group are made, and the key is never shown", async ({ owner }) => {
  const name = unique("local");
  await owner.goto("/o/demo/models");
  await owner.getByRole("button", { name: "Add provider" }).click();
  const provider = owner.getByRole("dialog", { name: "Add provider" });
  await provider.getByLabel("Name").fill(name);
  await provider.getByLabel("Protocol").selectOption("Anthropic messages");
  await expect(provider.getByText("Empty: https://api.anthropic.com")).toBeVisible();
  await provider.getByLabel("API key").fill("sk-test-0123456789");
  await provider.getByRole("button", { name: "Save" }).click();
  const row = owner.getByRole("listitem").filter({ hasText: name });
  await expect(row.getByText("Key set")).toBeVisible();
  await expect(owner.getByText("sk-test")).toHaveCount(0);

  await owner.getByRole("button", { name: "Add model group" }).click();
  const group = owner.getByRole("dialog", { name: "Add model group" });
  await group.getByLabel("Name").fill(`${name}-group`);
  await group.getByLabel("Provider", { exact: true }).selectOption(name);
  await group.getByLabel("Model", { exact: true }).fill("small-1");
  await group.getByRole("button", { name: "Save" }).click();
  await expect(
    owner
      .getByRole("listitem")
      .filter({ hasText: `${name}-group` })
      .getByText("small-1"),
  ).toBeVisible();
});

test("an API key is shown once, works, and stops working when revoked", async ({ owner, request }) => {
  const name = unique("script");
  await owner.goto("/o/demo/api-keys");
  await owner.getByRole("button", { name: "Create key" }).click();
  await owner.getByRole("dialog").getByLabel("Name").fill(name);
  await owner.getByRole("dialog").getByRole("button", { name: "Create" }).click();
  const dialog = owner.getByRole("dialog", { name: "Your new key" });
  const key = (await dialog.locator("code").textContent()) ?? "";
  expect(key).toMatch(/^kk_/);
  await dialog.getByRole("button", { name: "I have saved it" }).click();
  await expect(owner.getByText(key)).toHaveCount(0);
  const ask = () => request.get("/api/me", { headers: { authorization: `Bearer ${key}` } });
  expect((await ask()).status()).toBe(200);

  await owner.getByRole("row").filter({ hasText: name }).getByRole("button", { name: "Revoke" }).click();
  await owner.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await toast(owner, "The key is revoked.");
  expect((await ask()).status()).toBe(401);
  await owner.goto("/o/demo/audit");
  await expect(owner.getByRole("row").nth(1)).toBeVisible();
});
