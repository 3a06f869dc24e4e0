import { useRef, useState, type KeyboardEvent, type PointerEvent, type RefObject } from "react";

interface Edges {
  top: number;
  bottom: number;
}

/**
 * Where a row that is dragged along belongs, its pointer being at `y`. Only past a row's middle are the two exchanged:
 * rows of different heights would otherwise jump back and forth under a pointer that keeps still.
 */
export function placeFor(rows: readonly Edges[], at: number, y: number): number {
  const middles = rows.map(({ top, bottom }) => (top + bottom) / 2);
  const below = middles.findLastIndex((middle, index) => index > at && y >= middle);
  if (below >= 0) return below;
  const above = middles.findIndex((middle, index) => index < at && y <= middle);
  return above >= 0 ? above : at;
}

interface Grip {
  onPointerDown: (event: PointerEvent<HTMLElement>) => void;
  onKeyDown: (event: KeyboardEvent<HTMLElement>) => void;
}

interface Reorder<List extends HTMLElement> {
  /** For the element whose children are the rows. */
  list: RefObject<List | null>;
  /** The row that is being dragged. */
  held: number | null;
  grip: (index: number) => Grip;
}

/** Rows that are put in order with a pointer, or with the arrow keys on their grips. */
export function useReorder<List extends HTMLElement>(count: number, move: (from: number, to: number) => void): Reorder<List> {
  const list = useRef<List>(null);
  const [held, setHeld] = useState<number | null>(null);

  // The window is listened to: a row that is moved in the document loses a captured pointer.
  const follow = (start: number) => {
    let at = start;
    setHeld(at);
    const drag = ({ clientY }: globalThis.PointerEvent) => {
      const rows = [...(list.current?.children ?? [])].map((row) => row.getBoundingClientRect());
      const to = placeFor(rows, at, clientY);
      if (to === at) return;
      move(at, to);
      at = to;
      setHeld(at);
    };
    const drop = () => {
      window.removeEventListener("pointermove", drag);
      window.removeEventListener("pointerup", drop);
      window.removeEventListener("pointercancel", drop);
      setHeld(null);
    };
    window.addEventListener("pointermove", drag);
    window.addEventListener("pointerup", drop);
    window.addEventListener("pointercancel", drop);
  };

  return {
    list,
    held,
    grip: (index) => ({
      onPointerDown: (event) => {
        if (event.button !== 0) return;
        // Without it, the text around is selected along the way; with it, nothing takes the focus by itself.
        event.preventDefault();
        event.currentTarget.focus();
        follow(index);
      },
      onKeyDown: (event) => {
        const to = event.key === "ArrowUp" ? index - 1 : event.key === "ArrowDown" ? index + 1 : index;
        if (to === index || to < 0 || to >= count) return;
        event.preventDefault();
        move(index, to);
      },
    }),
  };
}
