import { useInfiniteQuery } from "@tanstack/react-query";
import { membersQuery } from "@/api/queries/members";
import { t } from "@/i18n/translate";
import { useOrganisation } from "@/lib/scope";

/** Who did something: the server writes `user:<id>`, `key:<id>`, `operator:<id>` or `system`. */
export function ActorName({ actor }: { actor: string }) {
  const members = useInfiniteQuery(membersQuery(useOrganisation().id)).data?.items;
  const [kind, id] = actor.split(":");
  const member = members?.find(({ user_id }) => user_id === id);
  const name = member === undefined ? null : member.display_name === "" ? member.email : member.display_name;
  return <span title={actor}>{wordsFor(kind, name) ?? actor}</span>;
}

function wordsFor(kind: string | undefined, name: string | null): string | null {
  if (kind === "user") return name ?? t("actor.user");
  if (kind === "operator") return name === null ? t("actor.operator") : t("actor.operator_named", { name });
  if (kind === "key") return t("actor.key");
  if (kind === "system") return t("actor.system");
  return null;
}
