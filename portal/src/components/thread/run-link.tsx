import { Link } from "@tanstack/react-router";
import { t } from "@/i18n/translate";
import { useProjectParams } from "@/lib/scope";
import type { ThreadMessage } from "@/components/thread/model";

/** From an answer to the run that made it. */
export function RunLink({ message, conversation }: { message: ThreadMessage; conversation: string }) {
  const params = useProjectParams();
  if (message.direction === "inbound" || message.run_id === undefined) return null;
  return (
    <Link
      to="/o/$organisation/p/$project/conversations/$conversation"
      params={{ ...params, conversation }}
      search={{ run: message.run_id }}
      className="rounded text-brand underline-offset-2 hover:underline"
    >
      {t("run.show")}
    </Link>
  );
}
