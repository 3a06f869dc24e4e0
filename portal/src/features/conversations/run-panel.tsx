import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { X } from "lucide-react";
import { formatCost, formatDuration, formatMoment, formatNumber } from "@/i18n/format";
import { t } from "@/i18n/translate";
import { useProjectParams, useProjectPath } from "@/lib/scope";
import { Loaded } from "@/components/loaded";
import { Badge, type Tone } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card } from "@/components/ui/card";
import { runQuery, type Run } from "@/features/conversations/queries";
import { Steps, Timeline } from "@/features/conversations/run-steps";

/** How one answer came about. */
export function RunPanel({ run: id, onClose }: { run: string; onClose: () => void }) {
  const run = useQuery(runQuery(useProjectPath(), id));
  return (
    <Card className="p-5 sm:p-6" aria-label={t("run.title")}>
      <div className="mb-4 flex items-center justify-between gap-3">
        <h2 className="text-[1.07rem] font-semibold">{t("run.title")}</h2>
        <Button look="quiet" size="icon" aria-label={t("run.close")} onClick={onClose}>
          <X aria-hidden />
        </Button>
      </div>
      <Loaded query={run}>
        {(data) => (
          <div className="grid grid-cols-1 gap-6">
            <Summary run={data} />
            {data.error === null || data.error === undefined ? null : (
              <div className="rounded-xl bg-bad-wash px-4 py-3">
                <p className="font-medium">{t("run.error")}</p>
                <p className="break-words">{data.error}</p>
              </div>
            )}
            <Timeline run={data} />
            <Steps run={data} />
          </div>
        )}
      </Loaded>
    </Card>
  );
}

function Summary({ run }: { run: Run }) {
  const figures = [
    { label: t("run.duration"), value: typeof run.duration_ms === "number" ? formatDuration(run.duration_ms) : "–" },
    { label: t("run.cost"), value: formatCost(run.cost_usd) },
    { label: t("run.input_tokens"), value: formatNumber(run.input_tokens) },
    { label: t("run.output_tokens"), value: formatNumber(run.output_tokens) },
  ];
  return (
    <div className="grid grid-cols-1 gap-4">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-soft">
        <Status status={run.status} />
        <AgentName run={run} />
        <span>{formatMoment(run.started_at)}</span>
      </div>
      <dl className="grid grid-cols-2 gap-4 sm:grid-cols-4 xl:grid-cols-2">
        {figures.map(({ label, value }) => (
          <div key={label} className="flex flex-col-reverse justify-end">
            <dt className="text-[0.9rem] text-soft">{label}</dt>
            <dd className="text-xl font-semibold tabular-nums">{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

function AgentName({ run }: { run: Run }) {
  const params = useProjectParams();
  const { agent } = run;
  if (agent === undefined) return null;
  return (
    <Link
      to="/o/$organisation/p/$project/agents/$agent"
      params={{ ...params, agent: agent.id }}
      className="rounded text-brand hover:underline"
    >
      {typeof agent.version === "number"
        ? t("run.agent_version", { name: agent.name, version: agent.version })
        : t("run.agent_draft", { name: agent.name })}
    </Link>
  );
}

const TONES: Record<Run["status"], Tone> = { running: "brand", waiting: "warn", done: "ok", failed: "bad" };

function Status({ status }: { status: Run["status"] }) {
  return <Badge tone={TONES[status]}>{t(`run.status_${status}`)}</Badge>;
}
