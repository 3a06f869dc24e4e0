import { ChevronDown } from "lucide-react";
import type { ComponentProps } from "react";
import { cn } from "@/lib/cn";

const BOX = cn(
  "w-full rounded-lg border border-line-strong/70 bg-surface px-3 placeholder:text-soft/80",
  "hover:border-line-strong focus-visible:outline-offset-0",
  "disabled:cursor-not-allowed disabled:bg-sunken disabled:text-soft aria-invalid:border-bad",
);

export function Input({ className, ...rest }: ComponentProps<"input">) {
  return <input dir="auto" className={cn(BOX, "h-9.5 read-only:bg-sunken", className)} {...rest} />;
}

export function Textarea({ className, rows, ...rest }: ComponentProps<"textarea">) {
  return (
    <textarea
      dir="auto"
      rows={rows ?? 3}
      className={cn(BOX, "field-sizing-content max-h-96 min-h-20 py-2 leading-relaxed", className)}
      {...rest}
    />
  );
}

/** The platform's own select: right on every device and with every assistive technology. */
export function Select({ className, children, ...rest }: ComponentProps<"select">) {
  return (
    <span className={cn("relative block", className)}>
      <select className={cn(BOX, "h-9.5 appearance-none pe-9")} {...rest}>
        {children}
      </select>
      <ChevronDown aria-hidden className="pointer-events-none absolute inset-y-0 end-3 my-auto size-4 text-soft" />
    </span>
  );
}

export function Checkbox({ className, ...rest }: ComponentProps<"input">) {
  return <input type="checkbox" className={cn("size-4.5 shrink-0 rounded accent-(--brand)", className)} {...rest} />;
}
