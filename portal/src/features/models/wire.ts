import type { Provider } from "@/api/queries/models";
import { t } from "@/i18n/translate";

export type Wire = Provider["wire"];

export const WIRES = ["openai-chat", "openai-responses", "anthropic", "gemini", "ollama", "builtin"] as const satisfies Wire[];

export function wireName(wire: Wire): string {
  switch (wire) {
    case "openai-chat":
      return t("models.wire_openai_chat");
    case "openai-responses":
      return t("models.wire_openai_responses");
    case "anthropic":
      return t("models.wire_anthropic");
    case "gemini":
      return t("models.wire_gemini");
    case "ollama":
      return t("models.wire_ollama");
    case "builtin":
      return t("models.wire_builtin");
  }
}

/** Where each protocol's own service is found; what an empty address stands for. */
export function usualUrl(wire: Wire): string {
  switch (wire) {
    case "openai-chat":
    case "openai-responses":
      return "https://api.openai.com/v1";
    case "anthropic":
      return "https://api.anthropic.com";
    case "gemini":
      return "https://generativelanguage.googleapis.com/v1beta";
    case "ollama":
      return "http://127.0.0.1:11434";
    case "builtin":
      return "";
  }
}
