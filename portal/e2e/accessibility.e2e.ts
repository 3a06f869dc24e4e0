import { Demo } from "./api";
import { expect, test, unique } from "./fixtures";
import { faint, faults } from "./readable";

const PAGES = {
  home: "/o/demo/p/default",
  agents: "/o/demo/p/default/agents",
  connections: "/o/demo/p/default/connections",
  slack: "/o/demo/p/default/connections/new/slack",
  conversations: "/o/demo/p/default/conversations",
  "dead-letters": "/o/demo/p/default/dead-letters",
  projects: "/o/demo/projects",
  members: "/o/demo/members",
  models: "/o/demo/models",
  spend: "/o/demo/models/spend",
  calls: "/o/demo/models/calls",
  "virtual-keys": "/o/demo/models/keys",
  budgets: "/o/demo/models/budgets",
  prices: "/o/demo/models/prices",
  "api-keys": "/o/demo/api-keys",
  audit: "/o/demo/audit",
  operator: "/operator/organisations",
  account: "/account",
};

for (const scheme of ["light", "dark"] as const) {
  test(`every page is readable and named, ${scheme}`, async ({ owner, request }) => {
    await (await Demo.open(request)).invite(`${unique("guest")}@example.test`);
    await owner.emulateMedia({ colorScheme: scheme });
    for (const [name, path] of Object.entries(PAGES)) {
      await owner.goto(path);
      await expect(owner.getByRole("heading", { level: 1 })).toBeVisible();
      await expect(owner.getByRole("status", { name: "Loading" })).toHaveCount(0);
      expect(await faults(owner), name).toEqual([]);
      expect(await faint(owner), name).toEqual([]);
      await owner.screenshot({ path: `test-results/${name}-${scheme}.png` });
    }
  });
}

for (const scheme of ["light", "dark"] as const) {
  test(`the invitation's page is readable and named, narrow too, ${scheme}`, async ({ page, request }) => {
    const link = await (await Demo.open(request)).invite(`${unique("guest")}@example.test`);
    await page.emulateMedia({ colorScheme: scheme });
    for (const [name, address] of Object.entries({ invitation: link, "invitation-unknown": "/invitation#ki_x" })) {
      for (const [shape, size] of Object.entries({ wide: { width: 1280, height: 900 }, narrow: { width: 390, height: 844 } })) {
        await page.setViewportSize(size);
        await page.goto("/login");
        await page.goto(address);
        await expect(page.getByRole("heading", { level: 1 })).toBeVisible();
        expect(await faults(page), name).toEqual([]);
        expect(await faint(page), name).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), name).toBe(true);
        await page.screenshot({ path: `test-results/${name}-${shape}-${scheme}.png` });
      }
    }
  });
}

test("on a narrow screen nothing sticks out, and the drawer leads on", async ({ owner, request }) => {
  await (await Demo.open(request)).invite(`${unique("somebody-with-a-long-name")}@example.test`);
  await owner.setViewportSize({ width: 390, height: 844 });
  await owner.emulateMedia({ colorScheme: "dark" });
  for (const [name, path] of Object.entries(PAGES)) {
    await owner.goto(path);
    await expect(owner.getByRole("heading", { level: 1 })).toBeVisible();
    await expect(owner.getByRole("status", { name: "Loading" })).toHaveCount(0);
    expect(await owner.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), name).toBe(true);
    await owner.screenshot({ path: `test-results/${name}-narrow-dark.png`, fullPage: true });
  }
  await owner.getByRole("button", { name: "Open navigation" }).click();
  await owner.getByRole("dialog").getByRole("link", { name: "Agents" }).click();
  await expect(owner.getByRole("heading", { level: 1, name: "Agents" })).toBeVisible();
  await expect(owner.getByRole("dialog")).toHaveCount(0);
});

test("the keyboard reaches the content first, and the focus is seen", async ({ owner }) => {
  await owner.goto("/o/demo/p/default/agents");
  await expect(owner.getByRole("heading", { level: 1 })).toBeVisible();
  await owner.keyboard.press("Tab");
  const skip = owner.getByRole("link", { name: "Skip to content" });
  await expect(skip).toBeFocused();
  await expect(skip).toBeVisible();
  await owner.keyboard.press("Enter");
  await owner.keyboard.press("Tab");
  const create = owner.getByRole("button", { name: "Create agent" });
  await expect(create).toBeFocused();
  await expect(create).toHaveCSS("outline-style", "solid");
  await owner.keyboard.press("Enter");
  await expect(owner.getByRole("dialog", { name: "Create agent" })).toBeVisible();
  await owner.keyboard.press("Escape");
  await expect(owner.getByRole("dialog")).toHaveCount(0);
  await expect(create).toBeFocused();
});
