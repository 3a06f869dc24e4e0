import type { ComponentProps, ReactNode } from "react";
import { cn } from "@/lib/cn";

export function Card({ className, ...rest }: ComponentProps<"section">) {
  return <section className={cn("rounded-2xl border bg-surface shadow-card", className)} {...rest} />;
}

interface CardSectionProps {
  title: string;
  description?: ReactNode;
  action?: ReactNode;
  children: ReactNode;
}

/** A card with a heading: one subject of a page. */
export function CardSection({ title, description, action, children }: CardSectionProps) {
  return (
    <Card className="p-5 sm:p-6">
      <div className="mb-4 flex flex-wrap items-start justify-between gap-3">
        <div className="min-w-0 grow basis-48">
          <h2 className="text-[1.07rem] font-semibold">{title}</h2>
          {description === undefined ? null : <p className="mt-0.5 max-w-prose text-soft">{description}</p>}
        </div>
        {action}
      </div>
      {children}
    </Card>
  );
}
