import { access } from "@/i18n/messages/access";
import { agents } from "@/i18n/messages/agents";
import { chat } from "@/i18n/messages/chat";
import { connections } from "@/i18n/messages/connections";
import { conversations } from "@/i18n/messages/conversations";
import { frame } from "@/i18n/messages/frame";
import { gateway } from "@/i18n/messages/gateway";
import { home } from "@/i18n/messages/home";
import { models } from "@/i18n/messages/models";
import { spend } from "@/i18n/messages/spend";

/** Every English text of the portal, by key. `{name}` is filled in; `{ one, other }` follows `count`. */
export const messages = {
  ...frame,
  ...home,
  ...access,
  ...agents,
  ...chat,
  ...connections,
  ...conversations,
  ...gateway,
  ...models,
  ...spend,
} as const;

export type Messages = typeof messages;
export type MessageKey = keyof Messages;
