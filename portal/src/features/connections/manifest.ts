/** What Slack must know of our app. The names are Slack's: https://docs.slack.dev/reference/app-manifest */
export const BOT_SCOPES = [
  "app_mentions:read",
  "channels:history",
  "groups:history",
  "im:history",
  "mpim:history",
  "chat:write",
  "chat:write.customize",
  "users:read",
] as const;

export const BOT_EVENTS = [
  "app_mention",
  "message.channels",
  "message.groups",
  "message.im",
  "message.mpim",
  "app_uninstalled",
  "tokens_revoked",
] as const;

/** The manifest to paste, as JSON. Slack allows 35 characters for an app's name and 80 for its bot's. */
export function slackManifest(name: string, eventsUrl: string): string {
  return JSON.stringify(
    {
      display_information: { name: name.slice(0, 35) },
      features: {
        app_home: { home_tab_enabled: false, messages_tab_enabled: true, messages_tab_read_only_enabled: false },
        bot_user: { display_name: name.slice(0, 80), always_online: true },
      },
      oauth_config: { scopes: { bot: BOT_SCOPES } },
      settings: {
        event_subscriptions: { request_url: eventsUrl, bot_events: BOT_EVENTS },
        org_deploy_enabled: false,
        socket_mode_enabled: false,
        token_rotation_enabled: false,
      },
    },
    null,
    2,
  );
}

/** Slack reaches only public https addresses. */
export function isReachable(eventsUrl: string): boolean {
  const { protocol, hostname } = new URL(eventsUrl);
  const local =
    hostname === "localhost" ||
    hostname.endsWith(".local") ||
    hostname.endsWith(".internal") ||
    /^(127\.|10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|\[)/.test(hostname);
  return protocol === "https:" && !local;
}
