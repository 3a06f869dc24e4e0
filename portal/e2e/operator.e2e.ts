import { expect, join, test, toast, unique, watch } from "./fixtures";

test("the operator creates, edits, suspends, resumes and deletes an organisation", async ({ owner, browser, troubles }) => {
  const name = unique("north");
  const email = `${name}@example.test`;
  await owner.goto("/operator/organisations");
  await owner.getByRole("button", { name: "Create organisation" }).click();
  const dialog = owner.getByRole("dialog", { name: "Create organisation" });
  await dialog.getByLabel("Display name").fill("North Trading");
  await dialog.getByLabel("Name", { exact: true }).fill(name);
  await dialog.getByLabel("Owner’s e-mail").fill(email);
  await dialog.getByRole("button", { name: "Create" }).click();
  const ready = owner.getByRole("dialog", { name: "The invitation is ready" });
  const link = (await ready.locator("code").textContent()) ?? "";
  await ready.getByRole("button", { name: "I have copied it" }).click();
  await expect(owner.getByRole("heading", { level: 1, name: "North Trading" })).toBeVisible();
  await expect(owner.getByText("What it holds")).toBeVisible();

  await owner.getByLabel("Display name").fill("North & Sons");
  await owner.getByLabel("Runs at the same time").fill("4");
  await owner.getByRole("button", { name: "Save" }).click();
  await expect(owner.getByRole("heading", { level: 1, name: "North & Sons" })).toBeVisible();

  const theirs = await browser.newContext({ baseURL: new URL(owner.url()).origin });
  await join(theirs, link, "a long first password");

  await owner.getByRole("button", { name: "Suspend" }).click();
  await owner.getByRole("dialog").getByRole("button", { name: "Suspend" }).click();
  await toast(owner, "North & Sons is suspended.");
  const member = await theirs.newPage();
  watch(member, troubles);
  await member.goto(`/o/${name}/p/default/agents`);
  await expect(member.getByText("This organisation is suspended", { exact: false })).toBeVisible();
  await expect(member.getByRole("button", { name: "Create agent" })).toBeDisabled();

  await owner.getByRole("button", { name: "Resume" }).click();
  await owner.getByRole("dialog").getByRole("button", { name: "Resume" }).click();
  await toast(owner, "North & Sons is active again.");
  await member.reload();
  await expect(member.getByRole("button", { name: "Create agent" })).toBeEnabled();
  await theirs.close();

  await owner.getByRole("button", { name: "Delete organisation" }).click();
  const confirm = owner.getByRole("dialog", { name: "Delete North & Sons?" });
  await expect(confirm.getByRole("button", { name: "Delete organisation" })).toBeDisabled();
  await confirm.getByRole("textbox").fill(name);
  await confirm.getByRole("button", { name: "Delete organisation" }).click();
  await expect(owner.getByRole("heading", { level: 1, name: "Organisations" })).toBeVisible();
  await expect(owner.getByText(name, { exact: true })).toHaveCount(0);
});

test("a name that addresses cannot hold is refused before it is sent", async ({ owner }) => {
  await owner.goto("/operator/organisations");
  await owner.getByRole("button", { name: "Create organisation" }).click();
  const dialog = owner.getByRole("dialog");
  await dialog.getByLabel("Display name").fill("Ärzte am Markt");
  await expect(dialog.getByLabel("Name", { exact: true })).toHaveValue("arzte-am-markt");
  await dialog.getByLabel("Name", { exact: true }).fill("Not Allowed");
  await dialog.getByRole("button", { name: "Create" }).click();
  await expect(dialog.getByText("Lower-case letters, digits and hyphens, beginning with a letter or digit")).toBeVisible();
  await owner.keyboard.press("Escape");
  await expect(dialog).toHaveCount(0);
});
