import type { Member } from "@/api/queries/members";

export function nameOf({ display_name, email }: Member): string {
  return display_name === "" ? email : display_name;
}
