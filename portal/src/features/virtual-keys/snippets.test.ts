import { expect, test } from "vitest";
import { snippetsOf } from "@/features/virtual-keys/snippets";

const SNIPPETS = snippetsOf({ origin: "https://k.example", key: "vk_secret", model: "quality" });

test("every client is given the key, the model and the address that its protocol wants", () => {
  for (const { id, text } of SNIPPETS) {
    expect(text, id).toContain("vk_secret");
    expect(text, id).toContain("quality");
  }
  const address = (id: string) => /https:\/\/k\.example[^"\s]*/.exec(SNIPPETS.find((snippet) => snippet.id === id)?.text ?? "")?.[0];
  expect(address("openai-python")).toBe("https://k.example/llm/v1");
  expect(address("openai-node")).toBe("https://k.example/llm/v1");
  expect(address("codex")).toBe("https://k.example/llm/v1");
  expect(address("anthropic")).toBe("https://k.example/llm");
  expect(address("claude-code")).toBe("https://k.example/llm");
});
