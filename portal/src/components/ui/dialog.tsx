import { X } from "lucide-react";
import { useCallback, useId, useState, type ReactNode } from "react";
import { t } from "@/i18n/translate";
import { Button } from "@/components/ui/button";
import { cn } from "@/lib/cn";

interface DialogProps {
  title: string;
  description?: ReactNode;
  /** `drawer` comes from the inline start edge: the navigation of narrow screens. */
  shape?: "box" | "wide" | "drawer";
  onClose: () => void;
  children: ReactNode;
}

/** Mounted means open. The platform's modal dialog: focus stays inside, Escape closes, no library styles. */
export function Dialog({ title, description, shape, onClose, children }: DialogProps) {
  const id = useId();
  // Read before anything in the dialog takes the focus; it goes back there at the end.
  const [before] = useState(() => document.activeElement);
  const open = useCallback(
    (node: HTMLDialogElement) => {
      if (!node.open) node.showModal();
      return () => {
        // As long as it is open, nothing outside can take the focus.
        node.close();
        if (before instanceof HTMLElement && before.isConnected) before.focus();
      };
    },
    [before],
  );
  return (
    <dialog
      ref={open}
      aria-labelledby={`${id}-title`}
      aria-describedby={description === undefined ? undefined : `${id}-description`}
      // In development React attaches everything twice: what it closed in between is open again when this is heard.
      onClose={(event) => {
        if (!event.currentTarget.open) onClose();
      }}
      onCancel={onClose}
      onClick={(event) => {
        if (event.target === event.currentTarget) onClose();
      }}
      className={cn(
        "fixed text-ink shadow-card animate-appear",
        shape === "drawer"
          ? "inset-y-0 start-0 m-0 h-dvh max-h-none w-72 max-w-[85vw] bg-rail text-rail-ink"
          : "m-auto max-h-[90dvh] overflow-y-auto rounded-2xl border bg-surface",
        shape === "wide" && "w-[min(46rem,calc(100vw-2rem))]",
        (shape === undefined || shape === "box") && "w-[min(34rem,calc(100vw-2rem))]",
      )}
    >
      <div className={shape === "drawer" ? "flex h-full flex-col" : "p-6"}>
        <div className={shape === "drawer" ? "sr-only" : "mb-5 flex items-start gap-4"}>
          <div className="grow">
            <h2 id={`${id}-title`} className="text-lg font-semibold">
              {title}
            </h2>
            {description === undefined ? null : (
              <p id={`${id}-description`} className="mt-1 text-soft">
                {description}
              </p>
            )}
          </div>
          <Button look="quiet" size="icon" className="-me-2 -mt-1.5" aria-label={t("action.close")} onClick={onClose}>
            <X aria-hidden />
          </Button>
        </div>
        {children}
      </div>
    </dialog>
  );
}

export function DialogActions({ children }: { children: ReactNode }) {
  return <div className="mt-6 flex flex-wrap justify-end gap-3">{children}</div>;
}
