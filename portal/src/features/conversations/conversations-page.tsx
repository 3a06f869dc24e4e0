import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { MessagesSquare, Search, SearchX } from "lucide-react";
import { agentsQuery } from "@/api/queries/agents";
import { connectionsQuery } from "@/api/queries/connections";
import { conversationsQuery } from "@/api/queries/conversations";
import { t } from "@/i18n/translate";
import { useProjectPath } from "@/lib/scope";
import { ConversationList } from "@/components/conversation-list";
import { Page } from "@/components/page";
import { Paged } from "@/components/paged";
import { Empty } from "@/components/states";
import { Card } from "@/components/ui/card";
import { Input, Select } from "@/components/ui/input";

/** Filters live in the address: they can be linked to, and Back undoes them. */
export function ConversationsPage() {
  const path = useProjectPath();
  const filter = useSearch({ from: "/app/o/$organisation/p/$project/conversations" });
  const conversations = useInfiniteQuery(conversationsQuery(path, filter));
  const filtered = filter.search !== undefined || filter.agent !== undefined || filter.connection !== undefined;
  return (
    <Page title={t("conversations.title")} description={t("conversations.description")}>
      <Filters />
      <Paged
        query={conversations}
        empty={
          <Card>
            {filtered ? (
              <Empty icon={SearchX} title={t("conversations.none_found")}>
                {t("conversations.none_found_hint")}
              </Empty>
            ) : (
              <Empty icon={MessagesSquare} title={t("conversations.empty")}>
                {t("conversations.empty_hint")}
              </Empty>
            )}
          </Card>
        }
      >
        {(items) => (
          <Card>
            <ConversationList conversations={items} />
          </Card>
        )}
      </Paged>
    </Page>
  );
}

function Filters() {
  const path = useProjectPath();
  const filter = useSearch({ from: "/app/o/$organisation/p/$project/conversations" });
  const navigate = useNavigate({ from: "/o/$organisation/p/$project/conversations" });
  const agents = useQuery(agentsQuery(path)).data ?? [];
  const connections = useQuery(connectionsQuery(path)).data ?? [];
  const set = (change: Partial<typeof filter>) => void navigate({ search: (before) => ({ ...before, ...change }), replace: true });
  return (
    <search className="mb-5 grid gap-3 sm:grid-cols-[1fr_12rem_12rem]">
      <form
        className="relative"
        onSubmit={(event) => {
          event.preventDefault();
          const words = new FormData(event.currentTarget).get("search");
          set({ search: typeof words === "string" && words.trim() !== "" ? words.trim() : undefined });
        }}
      >
        <Search aria-hidden className="pointer-events-none absolute inset-y-0 start-3 my-auto size-4 text-soft" />
        <Input
          key={filter.search}
          type="search"
          name="search"
          className="ps-9"
          aria-label={t("conversations.search")}
          placeholder={t("conversations.search")}
          defaultValue={filter.search}
          // Emptied by its own cross, it filters no longer.
          onChange={(event) => event.target.value === "" && set({ search: undefined })}
        />
      </form>
      <Select
        aria-label={t("conversations.agent")}
        value={filter.agent ?? ""}
        onChange={(event) => set({ agent: chosen(event.target.value) })}
      >
        <option value="">{t("conversations.all_agents")}</option>
        {agents.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </Select>
      <Select
        aria-label={t("connections.one")}
        value={filter.connection ?? ""}
        onChange={(event) => set({ connection: chosen(event.target.value) })}
      >
        <option value="">{t("conversations.all_connections")}</option>
        {connections.map(({ id, name }) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </Select>
    </search>
  );
}

function chosen(value: string): string | undefined {
  return value === "" ? undefined : value;
}
