import { cn } from "@/lib/cn";

const SIZES = { small: "size-8 text-base", normal: "size-11 text-xl", large: "size-14 text-2xl" };

/** An agent's icon: its emoji, else the first letter of its name. Pictures by address are the channels' to show. */
export function AgentFace({ name, icon, size }: { name: string; icon: string | undefined; size?: keyof typeof SIZES }) {
  const emoji = icon !== undefined && icon !== "" && !/[a-z:/]/i.test(icon) ? icon : null;
  return (
    <span
      aria-hidden
      className={cn(
        "grid shrink-0 place-items-center rounded-2xl bg-brand-wash font-semibold text-brand-strong uppercase select-none",
        SIZES[size ?? "normal"],
      )}
    >
      {emoji ?? name.charAt(0)}
    </span>
  );
}
