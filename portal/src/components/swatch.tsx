/** The colour that stands for something in a chart. */
export function Swatch({ colour }: { colour: string }) {
  return <span aria-hidden className="size-2.5 shrink-0 rounded-[3px]" style={{ backgroundColor: colour }} />;
}
