import type { ComponentProps } from "react";
import type { MessageKey } from "@/i18n/messages";
import { t } from "@/i18n/translate";
import { Select } from "@/components/ui/input";

const ROLES = ["owner", "admin", "member", "viewer"] as const;
const NAMES: Record<string, MessageKey & `role.${string}`> = {
  owner: "role.owner",
  admin: "role.admin",
  member: "role.member",
  viewer: "role.viewer",
};
const HINTS: Record<string, MessageKey & `role.hint_${string}`> = {
  owner: "role.hint_owner",
  admin: "role.hint_admin",
  member: "role.hint_member",
  viewer: "role.hint_viewer",
};

/** A role's name; one of an organisation's own is shown as it is called there. */
export function roleName(role: string): string {
  const key = NAMES[role];
  return key === undefined ? role : t(key);
}

export function roleHint(role: string): string | undefined {
  const key = HINTS[role];
  return key === undefined ? undefined : t(key);
}

/** The built-in roles, and the current one where it is another. */
export function RoleSelect({ current, ...rest }: ComponentProps<"select"> & { current?: string }) {
  const own = current !== undefined && NAMES[current] === undefined ? [current] : [];
  return (
    <Select {...rest}>
      {[...ROLES, ...own].map((role) => (
        <option key={role} value={role}>
          {roleName(role)}
        </option>
      ))}
    </Select>
  );
}
