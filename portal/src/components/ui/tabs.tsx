import { Tabs } from "radix-ui";
import type { ComponentProps } from "react";
import { cn } from "@/lib/cn";

export const TabsRoot = Tabs.Root;

export function TabList({ className, ...rest }: ComponentProps<typeof Tabs.List>) {
  return <Tabs.List className={cn("mb-6 flex gap-6 overflow-x-auto border-b", className)} {...rest} />;
}

export function Tab({ className, ...rest }: ComponentProps<typeof Tabs.Trigger>) {
  return (
    <Tabs.Trigger
      className={cn(
        "-mb-px inline-flex items-center gap-2 border-b-2 border-transparent px-0.5 py-2.5 font-medium whitespace-nowrap text-soft",
        "hover:text-ink focus-visible:outline-offset-[-2px] data-[state=active]:border-brand data-[state=active]:text-ink",
        className,
      )}
      {...rest}
    />
  );
}

export function TabPanel(props: ComponentProps<typeof Tabs.Content>) {
  return <Tabs.Content {...props} />;
}
