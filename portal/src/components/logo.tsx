/** The mark and the name. The name is a name: not translated. */
const NAME = "Konstruct";

export function Logo() {
  return (
    <span className="inline-flex items-center gap-2.5">
      <svg viewBox="0 0 32 32" aria-hidden className="size-7 shrink-0">
        <rect width="32" height="32" rx="8" className="fill-rail-wash" />
        <path
          d="M9 7v18M9 16l8-9M12.5 13 20 25"
          fill="none"
          className="stroke-rail-ink"
          strokeWidth="3"
          strokeLinecap="round"
          strokeLinejoin="round"
        />
        <circle cx="23" cy="9.5" r="2.6" className="fill-amber" />
      </svg>
      <span className="text-[1.08rem] font-semibold tracking-tight">{NAME}</span>
    </span>
  );
}
