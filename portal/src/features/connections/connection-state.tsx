import { CircleCheck, CirclePause, CircleX, Clock } from "lucide-react";
import type { Connection } from "@/api/queries/connections";
import { t } from "@/i18n/translate";
import { Badge } from "@/components/ui/badge";

export function ConnectionState({ state }: { state: Connection["status"]["state"] }) {
  switch (state) {
    case "ok":
      return (
        <Badge tone="ok">
          <CircleCheck aria-hidden />
          {t("connections.state_ok")}
        </Badge>
      );
    case "waiting":
      return (
        <Badge tone="brand">
          <Clock aria-hidden />
          {t("connections.state_waiting")}
        </Badge>
      );
    case "problem":
      return (
        <Badge tone="bad">
          <CircleX aria-hidden />
          {t("connections.state_problem")}
        </Badge>
      );
    case "disabled":
      return (
        <Badge>
          <CirclePause aria-hidden />
          {t("connections.state_disabled")}
        </Badge>
      );
  }
}

/** How much an advice matters. */
export function toneOf({ status }: Connection): "bad" | "warn" | "plain" {
  if (status.state === "problem") return "bad";
  return typeof status.hint === "string" ? "warn" : "plain";
}

/** What to know or do about a connection's state; null where there is nothing to say. */
export function adviceFor(connection: Connection): string | null {
  const { state, problem, hint } = connection.status;
  if (state === "problem") return problem ?? t("connections.state_problem");
  if (typeof hint === "string") return hint;
  if (state !== "waiting") return null;
  return connection.channel === "slack" ? t("connections.waiting_slack") : t("connections.waiting_web");
}
