import { queryOptions } from "@tanstack/react-query";
import { api, take, type Schemas } from "@/api/client";
import type { ProjectPath } from "@/api/queries/agents";
import { pagedQuery } from "@/api/queries/pages";

export type Conversation = Schemas["Conversation"];
export type DeadLetter = Schemas["DeadLetter"];

export interface ConversationFilter {
  search?: string | undefined;
  agent?: string | undefined;
  connection?: string | undefined;
  limit?: number;
}

export function conversationsQuery(path: ProjectPath, filter: ConversationFilter) {
  return {
    ...pagedQuery(["conversations", path.project, filter], (after) =>
      take(
        api.GET("/api/organisations/{organisation}/projects/{project}/conversations", { params: { path, query: { ...filter, after } } }),
      ),
    ),
    // New ones come in by themselves.
    refetchInterval: 15_000,
  };
}

export function conversationQuery(path: ProjectPath, conversation: string) {
  return queryOptions({
    queryKey: ["conversations", path.project, "one", conversation],
    queryFn: () =>
      take(
        api.GET("/api/organisations/{organisation}/projects/{project}/conversations/{conversation}", {
          params: { path: { ...path, conversation } },
        }),
      ),
  });
}

export function deadLettersQuery(path: ProjectPath) {
  return {
    ...pagedQuery(["dead-letters", path.project], (after) =>
      take(api.GET("/api/organisations/{organisation}/projects/{project}/dead-letters", { params: { path, query: { after } } })),
    ),
    refetchInterval: 30_000,
  };
}
