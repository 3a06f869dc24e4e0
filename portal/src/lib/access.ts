/**
 * What a role may do, so that buttons can say in advance what the server would refuse. The server decides;
 * a role that is not built in is given the benefit of the doubt here.
 */
export type Permission =
  | "project_settings"
  | "agents"
  | "agents_read"
  | "connections"
  | "connections_read"
  | "members"
  | "keys"
  | "keys_read"
  | "audit"
  | "inbox"
  | "delete_project";

const MATRIX: Record<string, ReadonlySet<Permission>> = {
  admin: new Set([
    "project_settings",
    "agents",
    "agents_read",
    "connections",
    "connections_read",
    "members",
    "keys",
    "keys_read",
    "audit",
    "inbox",
  ]),
  member: new Set(["agents_read", "connections_read", "keys_read", "inbox"]),
  viewer: new Set([]),
};

const RANK = ["viewer", "member", "admin", "owner"];

export function can(role: string | null, permission: Permission): boolean {
  if (role === null) return false;
  const granted = MATRIX[role];
  return granted === undefined || granted.has(permission);
}

/** The project's grant wins where it gives more. */
export function higherRole(first: string | null, second: string | null): string | null {
  if (first === null) return second;
  if (second === null) return first;
  return RANK.indexOf(second) > RANK.indexOf(first) ? second : first;
}
