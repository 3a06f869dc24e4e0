import { LoaderCircle } from "lucide-react";
import type { ComponentProps } from "react";
import { cn } from "@/lib/cn";

export type ButtonLook = "primary" | "plain" | "quiet" | "danger";
export type ButtonSize = "normal" | "small" | "icon";

const LOOKS: Record<ButtonLook, string> = {
  primary: "bg-brand text-brand-ink hover:bg-brand-strong",
  plain: "border border-line-strong/60 bg-surface hover:bg-sunken",
  quiet: "hover:bg-sunken",
  danger: "border border-bad/50 bg-surface text-bad hover:bg-bad-wash",
};

const SIZES: Record<ButtonSize, string> = {
  normal: "h-9.5 px-4",
  small: "h-8 px-3 text-[0.9rem]",
  icon: "size-9",
};

/** The classes of a button, for links that look like one. */
export function buttonClass(look: ButtonLook = "plain", size: ButtonSize = "normal"): string {
  return cn(
    "inline-flex shrink-0 items-center justify-center gap-2 rounded-lg font-medium whitespace-nowrap transition-colors select-none",
    "disabled:cursor-not-allowed disabled:opacity-55 [&_svg]:size-4 [&_svg]:shrink-0",
    LOOKS[look],
    SIZES[size],
  );
}

interface ButtonProps extends ComponentProps<"button"> {
  look?: ButtonLook;
  size?: ButtonSize;
  /** Work is under way: shown, and not to be started twice. */
  busy?: boolean;
}

export function Button({ look, size, busy, className, disabled, children, type, ...rest }: ButtonProps) {
  return (
    <button
      type={type ?? "button"}
      className={cn(buttonClass(look, size), className)}
      disabled={disabled === true || busy === true}
      aria-busy={busy === true ? true : undefined}
      {...rest}
    >
      {busy === true ? <LoaderCircle aria-hidden className="animate-spin" /> : null}
      {children}
    </button>
  );
}
