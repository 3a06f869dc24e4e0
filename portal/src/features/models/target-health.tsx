import { CircleAlert } from "lucide-react";
import { formatDuration } from "@/i18n/format";
import { t } from "@/i18n/translate";
import { TimeAgo } from "@/components/time-ago";
import { Badge, type Tone } from "@/components/ui/badge";
import type { Health } from "@/features/models/health";

/** How one model of a group does right now. */
export function TargetHealth({ health }: { health: Health | undefined }) {
  if (health === undefined) return null;
  const facts = [
    typeof health.first_token_ms === "number" ? t("health.first_token", { duration: formatDuration(health.first_token_ms) }) : null,
    health.in_flight === 0 ? null : t("health.in_flight", { count: health.in_flight }),
    health.provider_in_flight >= health.provider_limit ? t("health.full", { limit: health.provider_limit }) : null,
    callsOf(health),
  ].filter((fact) => fact !== null);
  return (
    <div className="mt-0.5 text-[0.88rem]">
      <p className="flex flex-wrap items-center gap-x-2.5 gap-y-1 text-soft tabular-nums">
        <State health={health} />
        <span>{facts.join(" · ")}</span>
      </p>
      {typeof health.last_error === "string" && (health.failures > 0 || health.state !== "healthy") ? (
        <p className="mt-1 flex items-start gap-1.5 text-bad">
          <CircleAlert aria-hidden className="mt-0.5 size-3.5 shrink-0" />
          <span className="line-clamp-2 min-w-0 break-words" title={health.last_error}>
            {typeof health.last_error_at === "string" ? <TimeAgo at={health.last_error_at} /> : null}
            {`: ${health.last_error}`}
          </span>
        </p>
      ) : null}
    </div>
  );
}

function callsOf({ calls, failures }: Health): string {
  if (calls === 0) return t("health.no_calls");
  return failures === 0 ? t("health.calls", { count: calls }) : t("health.calls_failed", { count: calls, failures });
}

function State({ health }: { health: Health }) {
  const [tone, words] = stateOf(health);
  return (
    <Badge tone={tone}>
      <span aria-hidden className="size-1.5 rounded-full bg-current" />
      {words}
    </Badge>
  );
}

function stateOf({ state, calls, first_token_ms }: Health): [Tone, string] {
  switch (state) {
    case "open":
      return ["bad", t("health.open")];
    case "half-open":
      return ["warn", t("health.half_open")];
    case "healthy":
      // Nobody knows how a model does that nobody asked.
      return calls === 0 && typeof first_token_ms !== "number" ? ["neutral", t("health.idle")] : ["ok", t("health.healthy")];
  }
}
