import { Outlet, useRouterState } from "@tanstack/react-router";
import { Menu as MenuIcon } from "lucide-react";
import { useState } from "react";
import { t } from "@/i18n/translate";
import { Dialog } from "@/components/ui/dialog";
import { Logo } from "@/components/logo";
import { Navigation } from "@/features/shell/navigation";

/** The frame behind the log-in: a rail on wide screens, a drawer on narrow ones. */
export function Shell() {
  const path = useRouterState({ select: (state) => state.location.pathname });
  // Open for the page it was opened on: following a link closes it.
  const [openOn, setOpenOn] = useState<string | null>(null);
  return (
    <div className="lg:grid lg:min-h-dvh lg:grid-cols-[16.5rem_minmax(0,1fr)]">
      <a
        href="#content"
        className="sr-only z-50 rounded-lg bg-brand px-4 py-2 text-brand-ink focus:not-sr-only focus:fixed focus:start-3 focus:top-3"
      >
        {t("nav.skip")}
      </a>
      <aside className="sticky top-0 hidden h-dvh bg-rail text-rail-ink lg:block">
        <Navigation />
      </aside>
      <div className="flex items-center gap-3 bg-rail px-3 py-2.5 text-rail-ink lg:hidden">
        <button
          type="button"
          aria-label={t("nav.open")}
          aria-expanded={openOn === path}
          className="grid size-9 place-items-center rounded-lg hover:bg-rail-wash focus-visible:outline-rail-ink"
          onClick={() => setOpenOn(path)}
        >
          <MenuIcon aria-hidden className="size-5" />
        </button>
        <Logo />
      </div>
      {openOn === path ? (
        <Dialog title={t("nav.main")} shape="drawer" onClose={() => setOpenOn(null)}>
          <Navigation />
        </Dialog>
      ) : null}
      <main id="content" tabIndex={-1} className="min-w-0 outline-none">
        <Outlet />
      </main>
    </div>
  );
}
