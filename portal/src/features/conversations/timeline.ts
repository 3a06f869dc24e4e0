import type { Run, Step } from "@/features/conversations/queries";

/** Where a step lies in its run, in milliseconds from the run's start. */
export interface Bar {
  step: Step;
  from: number;
  to: number;
}

/** A step is recorded when it ends: `at` minus its duration is where it began. */
export function barsOf(run: Run): { bars: Bar[]; total: number } {
  const start = new Date(run.started_at).getTime();
  const bars = run.steps
    .filter((step) => step.state !== "started" || !run.steps.some((other) => other.seq === step.seq && other.state !== "started"))
    .map((step) => {
      const to = Math.max(0, new Date(step.at).getTime() - start);
      return { step, from: Math.max(0, to - step.duration_ms), to };
    });
  const total = Math.max(run.duration_ms ?? 0, ...bars.map(({ to }) => to), 1);
  return { bars, total };
}
