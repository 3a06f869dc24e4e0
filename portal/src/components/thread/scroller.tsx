import { useEffect, useRef, type ReactNode } from "react";
import { cn } from "@/lib/cn";

const NEAR = 80;

/** Stays at its end while it grows, unless the reader has scrolled away from it. */
export function Scroller({ label, className, children }: { label: string; className?: string; children: ReactNode }) {
  const outer = useRef<HTMLDivElement>(null);
  const inner = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const box = outer.current;
    const content = inner.current;
    if (box === null || content === null) return;
    let atEnd = true;
    const onScroll = () => {
      atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR;
    };
    const observer = new ResizeObserver(() => {
      if (atEnd) box.scrollTop = box.scrollHeight;
    });
    box.addEventListener("scroll", onScroll, { passive: true });
    observer.observe(content);
    observer.observe(box);
    return () => {
      observer.disconnect();
      box.removeEventListener("scroll", onScroll);
    };
  }, []);
  return (
    <div ref={outer} tabIndex={0} role="region" aria-label={label} className={cn("overflow-y-auto overscroll-contain", className)}>
      <div ref={inner}>{children}</div>
    </div>
  );
}
