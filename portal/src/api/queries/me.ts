import { queryOptions } from "@tanstack/react-query";
import { api, take, type Schemas } from "@/api/client";

export type Me = Schemas["Me"];
export type MyOrganisation = Me["organisations"][number];
export type MyProject = MyOrganisation["projects"][number];

export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: () => take(api.GET("/api/me")),
  staleTime: 60_000,
});
