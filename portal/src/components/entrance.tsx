import type { ReactNode } from "react";
import { t } from "@/i18n/translate";
import { Logo } from "@/components/logo";

interface EntranceProps {
  title: string;
  children: ReactNode;
}

/** The frame of the pages before the log-in. */
export function Entrance({ title, children }: EntranceProps) {
  return (
    <div className="grid min-h-dvh max-lg:grid-rows-[auto_1fr] lg:grid-cols-[minmax(0,5fr)_minmax(0,6fr)]">
      <title>{`${title} · Konstruct`}</title>
      <div className="relative flex flex-col justify-between gap-10 overflow-hidden bg-rail px-6 py-6 text-rail-ink sm:px-12 lg:py-12">
        <Logo />
        <p className="hidden max-w-sm text-[1.7rem] leading-snug font-medium tracking-tight text-balance lg:block">{t("login.intro")}</p>
        <Weave />
      </div>
      <main className="grid grid-cols-1 place-items-center px-6 py-12">{children}</main>
    </div>
  );
}

/** Threads that meet: decoration only. */
function Weave() {
  return (
    <svg aria-hidden viewBox="0 0 400 220" className="hidden w-full max-w-md lg:block">
      <g fill="none" className="stroke-rail-soft" strokeOpacity="0.45" strokeWidth="1.5">
        <path d="M0 30C120 30 140 110 210 110S320 60 400 60" />
        <path d="M0 110C100 110 150 110 210 110S310 120 400 130" />
        <path d="M0 190C120 190 140 110 210 110S330 190 400 196" />
      </g>
      <circle cx="210" cy="110" r="9" className="fill-amber" />
      <g className="fill-rail-ink">
        <circle cx="60" cy="36" r="4" />
        <circle cx="48" cy="110" r="4" />
        <circle cx="62" cy="184" r="4" />
        <circle cx="346" cy="63" r="4" />
        <circle cx="350" cy="124" r="4" />
        <circle cx="338" cy="188" r="4" />
      </g>
    </svg>
  );
}
