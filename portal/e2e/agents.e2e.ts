import { expect, test, toast, unique } from "./fixtures";

test("an agent is created, designed, tried, published and rolled back", async ({ owner }) => {
  const name = unique("Nadia");
  await owner.goto("/o/demo/p/default/agents");
  await owner.getByRole("button", { name: "Create agent" }).click();
  const dialog = owner.getByRole("dialog", { name: "Create agent" });
  await dialog.getByLabel("Name").fill(name);
  await dialog.getByLabel("Role").fill("Guide");
  await dialog.getByRole("button", { name: "Create" }).click();
  await expect(owner.getByRole("heading", { level: 1, name })).toBeVisible();
  await expect(owner.getByText("Never published")).toBeVisible();

  await owner.getByLabel("Job description").fill("Explains how Konstruct works.");
  await owner.getByRole("button", { name: "Add rule" }).click();
  await owner.getByLabel("Rule 1", { exact: true }).fill("Never guess.");
  await owner.getByLabel("Calculator").check();
  await expect(owner.getByText("Changes not saved")).toBeVisible();
  await owner.getByRole("button", { name: "Save draft" }).click();
  await expect(owner.getByText("Draft saved")).toBeVisible();
  await owner.reload();
  await expect(owner.getByLabel("Rule 1", { exact: true })).toHaveValue("Never guess.");
  await expect(owner.getByLabel("Calculator")).toBeChecked();

  await owner.getByLabel(`Write to ${name}`).fill("How do I connect Slack?");
  await owner.keyboard.press("Enter");
  const log = owner.getByRole("log");
  await expect(log.getByText("How do I connect Slack?")).toBeVisible();
  await expect(log.getByRole("link", { name: "How it was made" })).toBeVisible({ timeout: 45_000 });

  await owner.getByRole("button", { name: "Publish", exact: true }).click();
  await toast(owner, "Version 1 is published");
  await owner.getByRole("tab", { name: "Changes (0)" }).click();
  await expect(owner.getByText("Nothing to publish")).toBeVisible();

  await owner.getByRole("tab", { name: "Design" }).click();
  await owner.getByLabel("Persona and tone").fill("Cheerful.");
  await owner.getByRole("button", { name: "Publish", exact: true }).click();
  await toast(owner, "Version 2 is published");
  await owner.getByRole("tab", { name: "Versions" }).click();
  await owner.getByText("1 change since version 1").click();
  await expect(owner.getByRole("tabpanel", { name: "Versions" }).getByText("Cheerful.")).toBeVisible();
  await owner.getByRole("button", { name: "Roll back" }).click();
  await owner.getByRole("dialog").getByRole("button", { name: "Roll back" }).click();
  await toast(owner, "Version 3 is published");
  await expect(owner.getByRole("listitem").filter({ hasText: "Version 3" }).getByText("Current")).toBeVisible();
});

test("a draft that cannot be saved says which field is wrong", async ({ owner }) => {
  await owner.goto("/o/demo/p/default/agents");
  await owner.getByRole("link", { name: "Mara" }).click();
  await owner.getByLabel("Steps").fill("none");
  await owner.getByRole("button", { name: "Save draft" }).click();
  await expect(owner.getByText("A whole number, 1 or more")).toBeVisible();
  await expect(owner.getByLabel("Steps")).toHaveAttribute("aria-invalid", "true");
});

test("an agent is deleted only when its name is typed", async ({ owner }) => {
  const name = unique("Brief");
  await owner.goto("/o/demo/p/default/agents");
  await owner.getByRole("button", { name: "Create agent" }).click();
  await owner.getByRole("dialog").getByLabel("Name").fill(name);
  await owner.getByRole("dialog").getByRole("button", { name: "Create" }).click();
  await owner.getByRole("button", { name: `More actions for ${name}` }).click();
  await owner.getByRole("menuitem", { name: "Delete agent" }).click();
  const dialog = owner.getByRole("dialog", { name: `Delete ${name}?` });
  await expect(dialog.getByRole("button", { name: "Delete agent" })).toBeDisabled();
  await dialog.getByRole("textbox").fill(name);
  await dialog.getByRole("button", { name: "Delete agent" }).click();
  await expect(owner.getByRole("heading", { level: 1, name: "Agents" })).toBeVisible();
  await expect(owner.getByRole("link", { name })).toHaveCount(0);
});
