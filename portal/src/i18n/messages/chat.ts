export const chat = {
  "chat.ai": "You are talking to an AI.",
  "chat.empty": "Write a message to begin.",
  "chat.gone": "This chat is not available",
  "chat.gone_hint": "The address may be mistyped, or the chat was closed.",
  "chat.offline": "No connection. What you write is kept and sent as soon as you are back.",
  "chat.older": "Earlier messages",
  "chat.reconnecting": "Reconnecting…",
  "chat.write": "Write a message",
} as const;
