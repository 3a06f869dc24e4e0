import { expect, logIn, OWNER, password, test } from "./fixtures";

test("the owner logs in, lands at home, and logs out", async ({ page }) => {
  await page.goto("/");
  await expect(page).toHaveURL(/\/login/);
  await page.getByLabel("E-mail").fill(OWNER);
  await page.getByLabel("Password").fill(password());
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Demo" })).toBeVisible();
  await page.getByRole("button", { name: /^Account of/ }).click();
  await page.getByRole("menuitem", { name: "Log out" }).click();
  await expect(page).toHaveURL(/\/login/);
  await page.goto("/o/demo/p/default");
  await expect(page).toHaveURL(/\/login/);
});

test("a wrong password is refused in plain words", async ({ page }) => {
  await page.goto("/login");
  await page.getByLabel("E-mail").fill("nobody@localhost");
  await page.getByLabel("Password").fill("not the password");
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByRole("alert")).toContainText("E-mail or password is wrong");
  await page.getByLabel("E-mail").fill("nobody");
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByText("This is not an e-mail address")).toBeVisible();
});

test("a link into the portal is kept through the log-in", async ({ page }) => {
  await page.goto("/o/demo/members");
  await expect(page).toHaveURL(/\/login\?next=/);
  await page.getByLabel("E-mail").fill(OWNER);
  await page.getByLabel("Password").fill(password());
  await page.getByRole("button", { name: "Log in" }).click();
  await expect(page.getByRole("heading", { level: 1, name: "Members" })).toBeVisible();
});

test("a reload stays logged in, in two tabs at once", async ({ page, context }) => {
  await logIn(context);
  const second = await context.newPage();
  await Promise.all([page.goto("/o/demo/p/default/agents"), second.goto("/o/demo/members")]);
  await expect(page.getByRole("heading", { level: 1, name: "Agents" })).toBeVisible();
  await expect(second.getByRole("heading", { level: 1, name: "Members" })).toBeVisible();
  await Promise.all([page.reload(), second.reload()]);
  await expect(page.getByRole("heading", { level: 1, name: "Agents" })).toBeVisible();
  await expect(second.getByRole("heading", { level: 1, name: "Members" })).toBeVisible();
});

test("the theme follows the choice and survives a reload", async ({ owner }) => {
  await owner.goto("/account");
  await owner.getByRole("button", { name: /^Account of/ }).click();
  await owner.getByRole("menuitemradio", { name: "Dark" }).click();
  await expect(owner.locator("html")).toHaveAttribute("data-theme", "dark");
  await owner.reload();
  await expect(owner.locator("html")).toHaveAttribute("data-theme", "dark");
});
