import { GripVertical } from "lucide-react";
import type { ComponentProps } from "react";
import { t } from "@/i18n/translate";
import { cn } from "@/lib/cn";

interface GripProps extends ComponentProps<"button"> {
  /** What it moves, and where that stands now. */
  name: string;
  place: number;
  count: number;
}

/** Dragged with a pointer, moved with the arrow keys. Its name tells the place, so moving is heard. */
export function Grip({ name, place, count, className, ...rest }: GripProps) {
  return (
    <button
      type="button"
      aria-label={t("action.reorder", { name, place, count })}
      title={t("action.reorder_hint")}
      className={cn(
        "grid h-8 w-6 shrink-0 cursor-grab touch-none place-items-center rounded text-soft hover:bg-surface hover:text-ink active:cursor-grabbing",
        className,
      )}
      {...rest}
    >
      <GripVertical aria-hidden className="size-4" />
    </button>
  );
}
