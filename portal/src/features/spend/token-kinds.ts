import type { ModelCall } from "@/features/spend/queries";

export interface TokenKind {
  label: "calls.input_fresh" | "calls.input_cached" | "calls.input_written" | "calls.output" | "calls.output_reasoning";
  tokens: number;
  colour: string;
}

/** The tokens of a call, each in one kind; null: the provider told none. */
export function tokenKinds(call: ModelCall): TokenKind[] | null {
  if (typeof call.input_tokens !== "number" && typeof call.output_tokens !== "number") return null;
  const [read, written] = [call.cache_read_tokens ?? 0, call.cache_write_tokens ?? 0];
  const thinking = call.reasoning_tokens ?? 0;
  const kinds: TokenKind[] = [
    { label: "calls.input_fresh", tokens: Math.max(0, (call.input_tokens ?? 0) - read - written), colour: "var(--chart-1)" },
    { label: "calls.input_cached", tokens: read, colour: "var(--chart-6)" },
    { label: "calls.input_written", tokens: written, colour: "var(--chart-3)" },
    { label: "calls.output", tokens: Math.max(0, (call.output_tokens ?? 0) - thinking), colour: "var(--chart-2)" },
    { label: "calls.output_reasoning", tokens: thinking, colour: "var(--chart-4)" },
  ];
  return kinds.filter(({ label, tokens }) => tokens > 0 || label === "calls.input_fresh" || label === "calls.output");
}
