import { expect, test } from "vitest";
import { isReachable, slackManifest } from "@/features/connections/manifest";

test("the manifest asks for exactly the scopes and events that the channel uses", () => {
  const manifest: unknown = JSON.parse(slackManifest("Mara", "https://konstruct.example.com/channels/slack/events"));
  expect(manifest).toMatchObject({
    display_information: { name: "Mara" },
    oauth_config: {
      scopes: {
        bot: [
          "app_mentions:read",
          "channels:history",
          "groups:history",
          "im:history",
          "mpim:history",
          "chat:write",
          "chat:write.customize",
          "users:read",
        ],
      },
    },
    settings: {
      event_subscriptions: {
        request_url: "https://konstruct.example.com/channels/slack/events",
        bot_events: [
          "app_mention",
          "message.channels",
          "message.groups",
          "message.im",
          "message.mpim",
          "app_uninstalled",
          "tokens_revoked",
        ],
      },
    },
  });
});

test.each([
  ["https://konstruct.example.com/x", true],
  ["http://konstruct.example.com/x", false],
  ["https://localhost:8080/x", false],
  ["https://127.0.0.1/x", false],
  ["https://192.168.1.4/x", false],
  ["https://172.20.0.2/x", false],
  ["https://[::1]/x", false],
])("%s can be reached by Slack: %s", (url, reachable) => {
  expect(isReachable(url)).toBe(reachable);
});
