import { Fragment, useMemo } from "react";
import { parseBlocks, type Block, type Inline } from "@/components/thread/markdown";

/** An answer as its model meant it. Every block finds its own direction. */
export function RichText({ source }: { source: string }) {
  const blocks = useMemo(() => parseBlocks(source), [source]);
  return (
    <div className="grid grid-cols-1 gap-2.5">
      <Blocks blocks={blocks} />
    </div>
  );
}

function Blocks({ blocks }: { blocks: Block[] }) {
  return blocks.map((block, index) => <BlockView key={index} block={block} />);
}

function BlockView({ block }: { block: Block }) {
  switch (block.kind) {
    case "paragraph":
      return (
        <p dir="auto" className="whitespace-pre-wrap">
          <Inlines parts={block.children} />
        </p>
      );
    case "heading":
      return (
        <p dir="auto" className="font-semibold">
          <Inlines parts={block.children} />
        </p>
      );
    case "code":
      return (
        <pre dir="ltr" tabIndex={0} className="overflow-x-auto rounded-lg bg-sunken px-3 py-2 font-mono text-[0.87rem]">
          {block.text}
        </pre>
      );
    case "quote":
      return (
        <blockquote dir="auto" className="grid grid-cols-1 gap-2 border-s-2 border-line-strong ps-3">
          <Blocks blocks={block.children} />
        </blockquote>
      );
    case "list": {
      const List = block.ordered ? "ol" : "ul";
      return (
        <List dir="auto" className={`grid grid-cols-1 gap-1 ps-5 marker:text-soft ${block.ordered ? "list-decimal" : "list-disc"}`}>
          {block.items.map((item, index) => (
            <li key={index}>
              <Inlines parts={item} />
            </li>
          ))}
        </List>
      );
    }
  }
}

function Inlines({ parts }: { parts: Inline[] }) {
  return parts.map((part, index) => <InlineView key={index} part={part} />);
}

function InlineView({ part }: { part: Inline }) {
  switch (part.kind) {
    case "text":
      return <Fragment>{part.text}</Fragment>;
    case "code":
      return (
        <code dir="ltr" className="rounded bg-sunken px-1 py-px font-mono text-[0.9em]">
          {part.text}
        </code>
      );
    case "strong":
      return (
        <strong className="font-semibold">
          <Inlines parts={part.children} />
        </strong>
      );
    case "emphasis":
      return (
        <em>
          <Inlines parts={part.children} />
        </em>
      );
    case "link":
      return (
        <a href={part.url} target="_blank" rel="noreferrer nofollow" className="text-brand underline underline-offset-2 break-all">
          <Inlines parts={part.children} />
        </a>
      );
  }
}
