import { z } from "zod";
import type { Step } from "@/features/conversations/queries";

/** The calls that a step which asked the model has recorded in its output. */
const outputSchema = z.object({
  calls: z.array(
    z.object({
      provider: z.string(),
      model: z.string(),
      ms: z.number(),
      ok: z.boolean(),
      error: z.string().nullish(),
      usage: z.object({ input: z.number(), output: z.number() }).partial().nullish(),
      cost_usd: z.union([z.number(), z.string()]).nullish(),
    }),
  ),
});

export type ModelCall = z.infer<typeof outputSchema>["calls"][number];

export function modelCalls(step: Step): ModelCall[] {
  const output = outputSchema.safeParse(step.output);
  return output.success ? output.data.calls : [];
}
