import { DropdownMenu } from "radix-ui";
import type { ComponentProps, ReactNode } from "react";
import { cn } from "@/lib/cn";

interface MenuProps {
  trigger: ReactNode;
  align?: "start" | "end";
  children: ReactNode;
}

/** Not modal: a modal menu would inject a style element, which the content security policy forbids. */
export function Menu({ trigger, align, children }: MenuProps) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align={align ?? "start"}
          sideOffset={6}
          collisionPadding={8}
          className="z-50 max-h-[70dvh] min-w-56 overflow-y-auto rounded-xl border bg-surface p-1.5 text-ink shadow-card animate-appear"
        >
          {children}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

const ITEM = cn(
  "flex w-full items-center gap-2.5 rounded-lg px-2.5 py-1.5 outline-none select-none [&_svg]:size-4 [&_svg]:shrink-0",
  "data-highlighted:bg-sunken data-disabled:opacity-50",
);

export function MenuItem({ className, ...rest }: ComponentProps<typeof DropdownMenu.Item>) {
  return <DropdownMenu.Item className={cn(ITEM, className)} {...rest} />;
}

export function MenuChoice({ className, children, ...rest }: ComponentProps<typeof DropdownMenu.RadioItem>) {
  return (
    <DropdownMenu.RadioItem className={cn(ITEM, "data-[state=checked]:font-semibold", className)} {...rest}>
      {children}
    </DropdownMenu.RadioItem>
  );
}

export function MenuChoices(props: ComponentProps<typeof DropdownMenu.RadioGroup>) {
  return <DropdownMenu.RadioGroup {...props} />;
}

export function MenuHeading({ children }: { children: ReactNode }) {
  return <DropdownMenu.Label className="px-2.5 pt-2 pb-1 text-[0.82rem] font-medium text-soft">{children}</DropdownMenu.Label>;
}

export function MenuLine() {
  return <DropdownMenu.Separator className="my-1.5 h-px bg-line" />;
}
