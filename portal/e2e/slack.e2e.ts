import { expect, test, unique } from "./fixtures";

test("the Slack wizard shows what to paste, stores the values and says what is wrong", async ({ owner }) => {
  await owner.goto("/o/demo/p/default/connections");
  await owner.getByRole("button", { name: "Connect", exact: true }).click();
  await owner.getByRole("menuitem", { name: "Slack workspace" }).click();
  await expect(owner.getByRole("heading", { level: 1, name: "Connect Slack" })).toBeVisible();
  await owner.getByLabel("Display name of the app in Slack").fill("Mara");

  const shown = (await owner.getByLabel("App manifest (JSON)", { exact: true }).textContent()) ?? "";
  const manifest: unknown = JSON.parse(shown);
  const url = `${new URL(owner.url()).origin}/channels/slack/events`;
  expect(manifest).toMatchObject({
    display_information: { name: "Mara" },
    settings: { event_subscriptions: { request_url: url } },
  });
  for (const word of ["app_mentions:read", "chat:write.customize", "message.mpim", "tokens_revoked"]) expect(shown).toContain(word);
  await expect(owner.getByText("Slack must be able to reach this address", { exact: false })).toBeVisible();

  await owner.getByRole("button", { name: "Connect Slack" }).click();
  await expect(owner.getByText("An app ID begins with A, followed by capital letters and digits")).toBeVisible();
  const workspace = `T${unique("0")
    .replace(/[^a-z0-9]/g, "")
    .toUpperCase()}`;
  await owner.getByLabel("App ID").fill("A0123456789");
  await owner.getByLabel("Workspace ID").fill(workspace);
  await owner.getByLabel("Signing secret").fill("8f742231b10e8888abcd99yyyzzz85a5");
  await owner.getByLabel("Bot token").fill("xoxb-not-a-real-token");
  await owner.getByLabel("Name", { exact: true }).fill("Head office");
  await owner.getByLabel("Agent").selectOption("Mara");
  await owner.getByRole("button", { name: "Connect Slack" }).click();
  await expect(owner.getByText("Stored. Now let Slack verify", { exact: false })).toBeVisible();
  await expect(owner.getByText("/invite @Mara", { exact: false })).toBeVisible();
  await owner.screenshot({ path: "test-results/slack.png", fullPage: true });

  await owner.getByRole("link", { name: "Go to the connection" }).click();
  await expect(owner.getByRole("heading", { level: 1, name: "Head office" })).toBeVisible();
  await expect(owner.getByText("Waiting for the first message")).toBeVisible();
  await expect(owner.getByLabel("Signing secret")).toHaveValue("");
  await expect(owner.getByText("xoxb-not-a-real-token")).toHaveCount(0);
  await expect(owner.getByText(url)).toBeVisible();

  const body = JSON.stringify({ type: "event_callback", team_id: workspace, api_app_id: "A0123456789", event: { type: "message" } });
  const delivered = await owner.request.post(url, {
    data: body,
    headers: {
      "content-type": "application/json",
      "x-slack-request-timestamp": String(Math.floor(Date.now() / 1000)),
      "x-slack-signature": `v0=${"0".repeat(64)}`,
    },
  });
  expect(delivered.status()).toBe(401);
  const hint = owner.getByText("the signature does not fit the signing secret", { exact: false });
  await expect(async () => {
    await owner.reload();
    await expect(hint).toBeVisible({ timeout: 2_000 });
  }).toPass({ timeout: 20_000 });
  await expect(owner.getByText("Waiting for the first message")).toBeVisible();
  for (const scheme of ["light", "dark"] as const) {
    await owner.emulateMedia({ colorScheme: scheme });
    await owner.screenshot({ path: `test-results/slack-hint-${scheme}.png`, animations: "disabled" });
  }
  await owner.emulateMedia({ colorScheme: "light" });

  await owner.getByRole("button", { name: "Switch off" }).click();
  await expect(owner.getByText("Switched off", { exact: true })).toBeVisible();
  await owner.getByRole("button", { name: "More actions for Head office" }).click();
  await owner.getByRole("menuitem", { name: "Delete connection" }).click();
  await owner.getByRole("dialog").getByRole("textbox").fill("Head office");
  await owner.getByRole("dialog").getByRole("button", { name: "Delete connection" }).click();
  await expect(owner.getByRole("heading", { level: 1, name: "Connections" })).toBeVisible();
});
