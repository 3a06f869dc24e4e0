import { CircleAlert, CircleCheck, X } from "lucide-react";
import { useSyncExternalStore } from "react";
import { t } from "@/i18n/translate";

/** Short notices at the edge of the screen; also read out. */
interface Toast {
  id: number;
  kind: "done" | "failed";
  text: string;
}

const SHOWN_MS = 6000;
let toasts: Toast[] = [];
let next = 1;
const listeners = new Set<() => void>();

export function notify(kind: Toast["kind"], text: string) {
  const id = next++;
  publish([...toasts.slice(-3), { id, kind, text }]);
  setTimeout(() => dismiss(id), SHOWN_MS);
}

export function Toasts() {
  const shown = useSyncExternalStore(subscribe, () => toasts);
  return (
    <div role="status" aria-live="polite" className="pointer-events-none fixed inset-x-4 bottom-4 z-50 grid justify-items-end gap-2">
      {shown.map((toast) => (
        <div
          key={toast.id}
          className="pointer-events-auto flex max-w-md items-start gap-3 rounded-xl border bg-surface py-3 ps-4 pe-3 shadow-card animate-appear"
        >
          {toast.kind === "done" ? (
            <CircleCheck aria-hidden className="mt-0.5 size-4.5 shrink-0 text-ok" />
          ) : (
            <CircleAlert aria-hidden className="mt-0.5 size-4.5 shrink-0 text-bad" />
          )}
          <p className="grow">{toast.text}</p>
          <button
            type="button"
            aria-label={t("action.dismiss")}
            className="rounded p-0.5 text-soft hover:text-ink"
            onClick={() => dismiss(toast.id)}
          >
            <X aria-hidden className="size-4" />
          </button>
        </div>
      ))}
    </div>
  );
}

function dismiss(id: number) {
  publish(toasts.filter((toast) => toast.id !== id));
}

function publish(nextToasts: Toast[]) {
  toasts = nextToasts;
  listeners.forEach((listener) => listener());
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
