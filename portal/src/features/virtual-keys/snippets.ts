/** How each client is told to use the gateway: what a person pastes. The key stands in it only where it was just made. */
export interface Snippet {
  id: string;
  /** A product's name is the same in every language. */
  name: string;
  text: string;
}

interface Wanted {
  /** Where this installation answers, without a slash at its end. */
  origin: string;
  key: string;
  model: string;
}

export function snippetsOf({ origin, key, model }: Wanted): Snippet[] {
  const openai = `${origin}/llm/v1`;
  const anthropic = `${origin}/llm`;
  return [
    {
      id: "openai-python",
      name: "openai (Python)",
      text: `from openai import OpenAI

client = OpenAI(base_url="${openai}", api_key="${key}")
answer = client.chat.completions.create(
    model="${model}",
    messages=[{"role": "user", "content": "Hello"}],
)
print(answer.choices[0].message.content)
`,
    },
    {
      id: "openai-node",
      name: "openai (Node)",
      text: `import OpenAI from "openai";

const client = new OpenAI({ baseURL: "${openai}", apiKey: "${key}" });
const answer = await client.chat.completions.create({
  model: "${model}",
  messages: [{ role: "user", content: "Hello" }],
});
console.log(answer.choices[0].message.content);
`,
    },
    {
      id: "anthropic",
      name: "anthropic",
      text: `from anthropic import Anthropic

client = Anthropic(base_url="${anthropic}", api_key="${key}")
answer = client.messages.create(
    model="${model}",
    max_tokens=1024,
    messages=[{"role": "user", "content": "Hello"}],
)
print(answer.content[0].text)
`,
    },
    {
      id: "claude-code",
      name: "Claude Code",
      text: `export ANTHROPIC_BASE_URL="${anthropic}"
export ANTHROPIC_AUTH_TOKEN="${key}"
export ANTHROPIC_MODEL="${model}"
export ANTHROPIC_SMALL_FAST_MODEL="${model}"
claude
`,
    },
    {
      id: "codex",
      name: "Codex",
      text: `# ~/.codex/config.toml
model = "${model}"
model_provider = "konstruct"

[model_providers.konstruct]
name = "Konstruct"
base_url = "${openai}"
env_key = "KONSTRUCT_KEY"
wire_api = "responses"

# then, in the shell:
#   export KONSTRUCT_KEY="${key}"
#   codex
`,
    },
    {
      id: "curl",
      name: "curl",
      text: `curl ${openai}/chat/completions \\
  -H "Authorization: Bearer ${key}" \\
  -H "Content-Type: application/json" \\
  -d '{"model": "${model}", "messages": [{"role": "user", "content": "Hello"}]}'
`,
    },
  ];
}
