import { Demo } from "./api";
import { expect, test, unique } from "./fixtures";

test("the audit log says who changed what, newest first, and never a secret", async ({ owner, request }) => {
  const demo = await Demo.open(request);
  const name = unique("audited");
  const project = await demo.make(`${demo.organisation}/projects`, { name });
  await demo.change(`${demo.organisation}/projects/${project}`, { name: `${name}-b` });
  const key = { name, wire: "anthropic", base_url: "", api_key: `sk-${name}` };
  const provider = await demo.make(`${demo.organisation}/providers`, key);

  await owner.goto("/o/demo/audit");
  const rows = owner.getByRole("row");
  const made = rows.filter({ hasText: provider });
  const renamed = rows.filter({ hasText: project }).first();
  await expect(made).toContainText("provider.create");
  await expect(made).toContainText("Owner");
  await expect(renamed).toContainText(/project\.(change|rename)/);
  const order = await rows.allTextContents();
  expect(order.findIndex((row) => row.includes(provider))).toBeLessThan(order.findIndex((row) => row.includes(project)));

  await renamed.getByText("Show details").click();
  await expect(renamed.getByText(`${name}-b`, { exact: false })).toBeVisible();
  await expect(owner.getByText(`sk-${name}`)).toHaveCount(0);
  for (const scheme of ["light", "dark"] as const) {
    await owner.emulateMedia({ colorScheme: scheme });
    await owner.screenshot({ path: `test-results/audit-details-${scheme}.png`, animations: "disabled" });
  }
  await owner.setViewportSize({ width: 390, height: 844 });
  expect(await owner.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);
  await owner.screenshot({ path: "test-results/audit-details-narrow.png", fullPage: true });
});

test("the audit log goes back as far as one reads", async ({ owner, request }) => {
  const demo = await Demo.open(request);
  const name = unique("long");
  const project = await demo.make(`${demo.organisation}/projects`, { name });
  for (let change = 0; change < 60; change += 1) {
    await demo.change(`${demo.organisation}/projects/${project}`, { name: `${name}-${change}` });
  }
  await owner.goto("/o/demo/audit");
  const created = owner.getByRole("row").filter({ hasText: project }).filter({ hasText: "project.create" });
  await expect(owner.getByRole("row").filter({ hasText: project }).first()).toBeVisible();
  await expect(created).toHaveCount(0);
  await owner.getByRole("button", { name: "Show more" }).click();
  await expect(created).toBeVisible();
});
