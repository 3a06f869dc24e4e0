import type { Page } from "@playwright/test";
import { Demo } from "./api";
import { expect, join, test, toast, unique, watch } from "./fixtures";

/** Adds a member in the portal, and returns the link that is shown. */
async function addMember(owner: Page, email: string, role: string): Promise<string> {
  await owner.goto("/o/demo/members");
  await owner.getByRole("button", { name: "Add member" }).click();
  const dialog = owner.getByRole("dialog", { name: "Add member" });
  await dialog.getByLabel("E-mail").fill(email);
  await dialog.getByLabel("Role").selectOption(role);
  await dialog.getByRole("button", { name: "Create link" }).click();
  const ready = owner.getByRole("dialog", { name: "The invitation is ready" });
  await expect(ready).toContainText(`send it to ${email} yourself`);
  await expect(ready.getByRole("button", { name: "Copy Invitation link" })).toBeVisible();
  const link = (await ready.locator("code").textContent()) ?? "";
  await owner.screenshot({ path: "test-results/invitation-link.png" });
  await ready.getByRole("button", { name: "I have copied it" }).click();
  await expect(owner.getByText(link)).toHaveCount(0);
  return link;
}

test("a person is invited, joins by the link, sees what the role allows, is given more, and is removed", async ({
  owner,
  browser,
  troubles,
}) => {
  const email = `${unique("sam")}@example.test`;
  const link = await addMember(owner, email, "Member");
  expect(link).toMatch(/^http.*\/invitation#ki_/);
  const row = owner.getByRole("row").filter({ hasText: email });
  await expect(row.getByRole("button", { name: `Revoke the invitation of ${email}` })).toBeVisible();
  await owner.screenshot({ path: "test-results/invitations.png", fullPage: true });

  const theirs = await browser.newContext({ baseURL: new URL(owner.url()).origin });
  const sam = await theirs.newPage();
  watch(sam, troubles);
  await sam.goto(link);
  await expect(sam.getByRole("heading", { level: 1, name: "Join Demo" })).toBeVisible();
  await expect(sam.getByLabel("E-mail")).toHaveValue(email);
  await expect(sam.getByLabel("E-mail")).not.toBeEditable();
  await expect(sam.getByLabel("Your name")).toBeFocused();
  await sam.keyboard.type("Sam");
  await sam.keyboard.press("Tab");
  await sam.keyboard.type("short");
  await sam.keyboard.press("Enter");
  await expect(sam.getByText("At least 8 characters, please")).toBeVisible();
  await sam.getByLabel("Password").fill("a long first password");
  await sam.keyboard.press("Enter");
  await expect(sam.getByRole("heading", { level: 1, name: "Demo", exact: true })).toBeVisible();
  await sam.goto("/o/demo/p/default/agents");
  await expect(sam.getByRole("button", { name: "Create agent" })).toBeDisabled();
  await expect(sam.getByRole("link", { name: "Organisations" })).toHaveCount(0);
  await sam.goto("/account");
  await sam.getByLabel("Current password").fill("a long first password");
  await sam.getByLabel("New password", { exact: true }).fill("another long password");
  await sam.getByLabel("New password again").fill("another long password");
  await sam.getByRole("button", { name: "Change password" }).click();
  await toast(sam, "Your password is changed.");

  await owner.reload();
  await expect(row.getByRole("button", { name: /^Revoke/ })).toHaveCount(0);
  await owner.getByLabel("Role of Sam").selectOption("Admin");
  await toast(owner, "The role is changed.");
  await sam.goto("/o/demo/p/default/agents");
  await expect(sam.getByRole("button", { name: "Create agent" })).toBeEnabled();
  await theirs.close();

  await owner.getByRole("button", { name: "Give Sam another role" }).click();
  const dialog = owner.getByRole("dialog", { name: "Give Sam another role" });
  await dialog.getByLabel("Where").selectOption("default");
  await dialog.getByRole("button", { name: "Give role" }).click();
  await toast(owner, "Sam has the role now.");
  await expect(row).toHaveCount(2);
  for (const left of [1, 0]) {
    await owner.getByRole("button", { name: "Remove Sam" }).first().click();
    await owner.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
    await expect(row).toHaveCount(left);
  }
});

test("a link that is used or revoked says so, and a known address proves its password", async ({ owner, page, browser }) => {
  const email = `${unique("kim")}@example.test`;
  const first = await addMember(owner, email, "Viewer");
  const theirs = await browser.newContext({ baseURL: new URL(owner.url()).origin });
  await join(theirs, first, "the password of kim");
  const kim = await theirs.newPage();
  await kim.goto(first);
  await expect(kim.getByRole("heading", { level: 1, name: "This invitation has been used" })).toBeVisible();

  await owner.goto("/o/demo/members");
  await owner.getByRole("button", { name: `Remove ${email}` }).click();
  await owner.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await expect(owner.getByRole("row").filter({ hasText: email })).toHaveCount(0);
  const revoked = await addMember(owner, email, "Viewer");
  await kim.goto(revoked);
  await kim.getByLabel("Password").fill("not the password");
  await kim.getByRole("button", { name: "Join" }).click();
  await expect(kim.getByRole("alert")).toContainText("has an account here already");

  await page.getByRole("button", { name: `Revoke the invitation of ${email}` }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await toast(page, "The invitation is revoked.");
  await expect(page.getByRole("row").filter({ hasText: email })).toHaveCount(0);
  await kim.getByLabel("Password").fill("the password of kim");
  await kim.getByRole("button", { name: "Join" }).click();
  await expect(kim.getByRole("heading", { level: 1, name: "This invitation was revoked" })).toBeVisible();
  await theirs.close();
});

for (const [state, words] of Object.entries({
  expired: "This invitation has expired",
  suspended: "This organisation is suspended",
  void: "This invitation is void",
})) {
  test(`a link that is ${state} says so`, async ({ page, request }) => {
    const link = await (await Demo.open(request)).invite(`${unique("guest")}@example.test`);
    await page.route("**/api/auth/invitation", async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: (await response.text()).replace('"open"', JSON.stringify(state)) });
    });
    await page.goto(link);
    await expect(page.getByRole("heading", { level: 1, name: words })).toBeVisible();
    await expect(page.getByRole("link", { name: "Go to the log-in" })).toBeVisible();
    await expect(page.getByLabel("Password")).toHaveCount(0);
  });
}
