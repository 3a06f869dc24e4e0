/**
 * The part of Markdown that models write, as a tree: no HTML, so that nothing an answer says can become markup.
 * What is not understood stays as it was written; half-written text (a stream) never fails.
 */
export type Inline =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "strong" | "emphasis"; children: Inline[] }
  | { kind: "link"; url: string; children: Inline[] };

export type Block =
  | { kind: "paragraph" | "heading"; children: Inline[] }
  | { kind: "code"; text: string }
  | { kind: "quote"; children: Block[] }
  | { kind: "list"; ordered: boolean; items: Inline[][] };

const FENCE = /^\s*(```|~~~)/;
const HEADING = /^#{1,6}\s+(.*)$/;
const QUOTE = /^\s*>\s?(.*)$/;
const ITEM = /^\s*(?:[-*+]|(\d+)[.)])\s+(.*)$/;

export function parseBlocks(source: string): Block[] {
  const lines = source.split(/\r\n|[\n\r\u2028\u2029]/);
  const blocks: Block[] = [];
  let at = 0;
  const takeWhile = (pattern: RegExp): RegExpExecArray[] => {
    const taken: RegExpExecArray[] = [];
    for (let match = pattern.exec(lines[at] ?? ""); match !== null && at < lines.length; match = pattern.exec(lines[at] ?? "")) {
      taken.push(match);
      at++;
    }
    return taken;
  };
  while (at < lines.length) {
    const line = lines[at] ?? "";
    const heading = HEADING.exec(line);
    if (line.trim() === "") at++;
    else if (FENCE.test(line)) {
      const end = lines.findIndex((candidate, index) => index > at && FENCE.test(candidate));
      blocks.push({ kind: "code", text: lines.slice(at + 1, end < 0 ? undefined : end).join("\n") });
      at = end < 0 ? lines.length : end + 1;
    } else if (heading !== null) {
      blocks.push({ kind: "heading", children: parseInline(heading[1] ?? "") });
      at++;
    } else if (QUOTE.test(line)) {
      const inner = takeWhile(QUOTE).map((match) => match[1] ?? "");
      blocks.push({ kind: "quote", children: parseBlocks(inner.join("\n")) });
    } else if (ITEM.test(line)) {
      const items = takeWhile(ITEM);
      blocks.push({ kind: "list", ordered: items[0]?.[1] !== undefined, items: items.map((match) => parseInline(match[2] ?? "")) });
    } else {
      const text = takeWhile(PLAIN).map((match) => match[0]);
      // Whatever it is, it is text: the loop must go on.
      if (text.length === 0) text.push(lines[at++] ?? "");
      blocks.push({ kind: "paragraph", children: parseInline(text.join("\n")) });
    }
  }
  return blocks;
}

/** A line that begins no other block. */
const PLAIN = /^(?!\s*$)(?!\s*(?:```|~~~))(?!#{1,6}\s)(?!\s*>)(?!\s*(?:[-*+]|\d+[.)])\s).*$/;

const INLINE =
  /`([^`\n]+)`|\*\*(?=\S)([\s\S]+?\S|\S)\*\*|(?<![\w*])\*(?=[^\s*])([^*\n]*[^\s*])\*(?!\w)|(?<!\w)_(?=[^\s_])([^_\n]*[^\s_])_(?!\w)|\[([^\]\n]+)\]\((\S+?)\)|(https?:\/\/[^\s<>()]*[^\s<>().,;:!?'"])/g;

export function parseInline(source: string): Inline[] {
  const parts: Inline[] = [];
  let last = 0;
  for (const match of source.matchAll(INLINE)) {
    const part = inlineOf(match);
    if (part === null) continue;
    if (match.index > last) parts.push({ kind: "text", text: source.slice(last, match.index) });
    parts.push(part);
    last = match.index + match[0].length;
  }
  if (last < source.length) parts.push({ kind: "text", text: source.slice(last) });
  return parts;
}

function inlineOf([, code, strong, starred, underlined, label, target, bare]: RegExpExecArray): Inline | null {
  if (code !== undefined) return { kind: "code", text: code };
  if (strong !== undefined) return { kind: "strong", children: parseInline(strong) };
  const emphasis = starred ?? underlined;
  if (emphasis !== undefined) return { kind: "emphasis", children: parseInline(emphasis) };
  if (bare !== undefined) return { kind: "link", url: bare, children: [{ kind: "text", text: bare }] };
  if (label === undefined || target === undefined || !/^(https?:\/\/|mailto:)/i.test(target)) return null;
  return { kind: "link", url: target, children: [{ kind: "text", text: label }] };
}
