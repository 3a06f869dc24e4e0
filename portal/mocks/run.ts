import type { components } from "../src/api/schema";
import { id } from "./data.ts";

type Schemas = components["schemas"];

/** The run behind the mock answers: a refused call, a tool, and the answer. */
const started = new Date(Date.now() - 360_000).getTime();
interface MockStep {
  seq: number;
  key: string;
  kind: string;
  from: number;
  ms: number;
  output: unknown;
  tokens?: [number, number];
}

const step = ({ seq, key, kind, from, ms, output, tokens }: MockStep): Schemas["Step"] => ({
  seq,
  key,
  kind,
  state: "done",
  at: new Date(started + from + ms).toISOString(),
  duration_ms: ms,
  input_tokens: tokens?.[0] ?? 0,
  output_tokens: tokens?.[1] ?? 0,
  cost_usd: tokens === undefined ? 0 : 0.0021,
  output,
});

export const run: Schemas["Run"] = {
  id: id(400),
  status: "done",
  program: "turn",
  started_at: new Date(started).toISOString(),
  finished_at: new Date(started + 3120).toISOString(),
  duration_ms: 3120,
  error: null,
  input_tokens: 1893,
  output_tokens: 121,
  cost_usd: 0.0042,
  agent: { id: id(60), name: "Mara", version: 3 },
  steps: [
    step({ seq: 1, key: "context", kind: "context", from: 10, ms: 24, output: { messages: 3 } }),
    step({
      seq: 2,
      key: "think:1",
      kind: "think",
      from: 40,
      ms: 1630,
      tokens: [912, 64],
      output: {
        text: "",
        calls: [
          { provider: "anthropic", model: "claude-sonnet", ms: 240, ok: false, error: "429 rate limited", usage: null, cost_usd: null },
          {
            provider: "anthropic",
            model: "claude-sonnet",
            ms: 1350,
            ok: true,
            error: null,
            usage: { input: 912, output: 64 },
            cost_usd: 0.0021,
          },
        ],
      },
    }),
    step({ seq: 3, key: "act:1:0", kind: "act", from: 1690, ms: 3, output: { tool: "calculator", result: "149.70" } }),
    step({
      seq: 4,
      key: "think:2",
      kind: "think",
      from: 1700,
      ms: 1410,
      tokens: [981, 57],
      output: {
        text: "Three cost 149.70 €",
        calls: [{ provider: "anthropic", model: "claude-sonnet", ms: 1400, ok: true, usage: { input: 981, output: 57 }, cost_usd: 0.0021 }],
      },
    }),
  ],
};
