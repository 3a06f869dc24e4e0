import { formatCost, formatDuration } from "@/i18n/format";
import { t } from "@/i18n/translate";
import { cn } from "@/lib/cn";
import { modelCalls, type ModelCall } from "@/features/conversations/model-calls";
import type { Run, Step } from "@/features/conversations/queries";
import { barsOf } from "@/features/conversations/timeline";

const ROW = 18;
const GAP = 7;
const WIDTH = 400;

/** The same colour in the chart and in the list. */
const FILLS: Record<string, string> = {
  context: "fill-amber text-amber",
  think: "fill-brand text-brand",
  act: "fill-line-strong text-line-strong",
};

function colourOf(step: Step): string {
  return step.state === "failed" ? "fill-bad text-bad" : (FILLS[step.kind] ?? "fill-brand text-brand");
}

/** The steps over the time of the run. The list below says the same in words. */
export function Timeline({ run }: { run: Run }) {
  const { bars, total } = barsOf(run);
  if (bars.length === 0) return null;
  const height = bars.length * (ROW + GAP) - GAP;
  const scale = (ms: number) => (ms / total) * WIDTH;
  return (
    <figure>
      <figcaption className="mb-2 font-medium">{t("run.timeline")}</figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${height}`} role="img" aria-label={t("run.timeline")} className="w-full">
        {bars.map(({ step, from, to }, index) => {
          const y = index * (ROW + GAP);
          return (
            <g key={`${step.seq}.${step.state}`}>
              <title>{t("run.timeline_label", { step: stepName(step), from: formatDuration(from), to: formatDuration(to) })}</title>
              <rect x="0" y={y} width={WIDTH} height={ROW} rx="4" className="fill-sunken" />
              <rect
                x={Math.min(scale(from), WIDTH - 3)}
                y={y}
                width={Math.max(scale(to - from), 3)}
                height={ROW}
                rx="4"
                className={colourOf(step)}
              />
            </g>
          );
        })}
      </svg>
      <div aria-hidden className="mt-1 flex justify-between text-[0.84rem] text-soft tabular-nums">
        <span>{formatDuration(0)}</span>
        <span>{formatDuration(total)}</span>
      </div>
    </figure>
  );
}

export function Steps({ run }: { run: Run }) {
  const { bars } = barsOf(run);
  return (
    <div>
      <h3 className="mb-2 font-medium">{t("run.steps")}</h3>
      <ol className="grid gap-2.5">
        {bars.map(({ step }) => (
          <li key={`${step.seq}.${step.state}`} className="rounded-xl border px-4 py-3">
            <div className="flex flex-wrap items-baseline justify-between gap-x-4">
              <p className={cn("flex items-center gap-2.5 font-medium", step.state === "failed" && "text-bad")}>
                <span aria-hidden className={cn("size-2.5 shrink-0 rounded-full bg-current", colourOf(step))} />
                {stepName(step)}
              </p>
              <p className="text-[0.9rem] text-soft tabular-nums">{formatDuration(step.duration_ms)}</p>
            </div>
            <p className="text-[0.9rem] text-soft">
              <code className="font-mono">{step.key}</code>
              {step.input_tokens + step.output_tokens === 0
                ? null
                : ` · ${t("run.tokens", { read: step.input_tokens, written: step.output_tokens })} · ${formatCost(step.cost_usd)}`}
            </p>
            <Calls calls={modelCalls(step)} />
            <Output output={step.output} />
          </li>
        ))}
      </ol>
    </div>
  );
}

function Calls({ calls }: { calls: ModelCall[] }) {
  if (calls.length === 0) return null;
  return (
    <div className="mt-2">
      <p className="text-[0.9rem] font-medium">{t("run.calls")}</p>
      <ul className="mt-1 grid gap-1 text-[0.9rem]">
        {calls.map((call, index) => (
          <li key={index} className="flex flex-wrap items-baseline gap-x-3">
            <span className={cn("min-w-0 grow break-words", !call.ok && "text-bad")}>
              {call.ok
                ? `${call.provider} · ${call.model}`
                : t("run.attempt_failed", { model: `${call.provider} · ${call.model}`, error: call.error ?? "–" })}
            </span>
            <span className="text-soft tabular-nums">
              {[formatDuration(call.ms), call.ok ? formatCost(call.cost_usd) : null].filter(Boolean).join(" · ")}
            </span>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Output({ output }: { output: unknown }) {
  if (output === null || output === undefined) return null;
  return (
    <details className="mt-2">
      <summary className="w-fit rounded text-[0.9rem] text-soft hover:text-ink">{t("run.output")}</summary>
      <pre
        dir="ltr"
        tabIndex={0}
        className="mt-2 max-h-72 overflow-auto rounded-lg bg-sunken p-3 font-mono text-[0.82rem] break-words whitespace-pre-wrap"
      >
        {JSON.stringify(output, null, 2)}
      </pre>
    </details>
  );
}

function stepName(step: Step): string {
  if (step.kind === "think") return t("run.step_think");
  if (step.kind === "act") return t("run.step_act");
  if (step.kind === "context") return t("run.step_context");
  return step.kind;
}
