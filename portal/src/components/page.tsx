import { Link, type LinkProps } from "@tanstack/react-router";
import { ChevronLeft } from "lucide-react";
import type { ReactNode } from "react";
import { cn } from "@/lib/cn";

interface PageProps {
  title: string;
  /** Shown instead of the bare title where more belongs beside it. */
  heading?: ReactNode;
  description?: ReactNode;
  back?: { link: LinkProps; label: string };
  actions?: ReactNode;
  wide?: boolean;
  children: ReactNode;
}

/** The frame of every page: document title, one h1, what can be done, the content. */
export function Page({ title, heading, description, back, actions, wide, children }: PageProps) {
  return (
    <div className={cn("mx-auto w-full px-4 py-7 sm:px-8 sm:py-9", wide === true ? "max-w-[94rem]" : "max-w-6xl")}>
      <title>{`${title} · Konstruct`}</title>
      <header className="mb-7 flex flex-wrap items-end justify-between gap-x-6 gap-y-4">
        <div className="min-w-0">
          {back === undefined ? null : (
            <Link {...back.link} className="mb-1.5 -ms-1 inline-flex items-center gap-1 rounded text-soft hover:text-ink">
              <ChevronLeft aria-hidden className="size-4 rtl:rotate-180" />
              {back.label}
            </Link>
          )}
          <h1 className="text-[1.65rem] font-semibold break-words">{heading ?? title}</h1>
          {description === undefined ? null : <p className="mt-1 max-w-prose text-soft">{description}</p>}
        </div>
        {actions === undefined ? null : <div className="flex flex-wrap items-center gap-2.5">{actions}</div>}
      </header>
      {children}
    </div>
  );
}
