import { expect, test } from "vitest";
import { parseBlocks, parseInline } from "@/components/thread/markdown";

const text = (words: string) => ({ kind: "text", text: words });

test("paragraphs keep their line breaks and are parted by empty lines", () => {
  expect(parseBlocks("one\ntwo\n\nthree")).toEqual([
    { kind: "paragraph", children: [text("one\ntwo")] },
    { kind: "paragraph", children: [text("three")] },
  ]);
});

test("quotes, lists, headings and code stand for themselves", () => {
  expect(parseBlocks("## Title\n> said\n> **so**\n- a\n- b\n1. c\n```sh\nls -l *x*\n```\nend").map(({ kind }) => kind)).toEqual([
    "heading",
    "quote",
    "list",
    "code",
    "paragraph",
  ]);
});

test("bold, emphasis, code and links are read, snake_case and sums are left alone", () => {
  expect(parseInline("**a** *b* `c`")).toEqual([
    { kind: "strong", children: [text("a")] },
    text(" "),
    { kind: "emphasis", children: [text("b")] },
    text(" "),
    { kind: "code", text: "c" },
  ]);
  expect(parseInline("my_own_name 2 * 3 * 4")).toEqual([text("my_own_name 2 * 3 * 4")]);
  expect(parseInline("see https://a.test/x.")).toEqual([
    text("see "),
    { kind: "link", url: "https://a.test/x", children: [text("https://a.test/x")] },
    text("."),
  ]);
});

test("a link may lead to the web or to mail, and nowhere else", () => {
  expect(parseInline("[go](https://a.test)")).toEqual([{ kind: "link", url: "https://a.test", children: [text("go")] }]);
  expect(parseInline("[go](javascript:alert(1))")).toEqual([text("[go](javascript:alert(1))")]);
  expect(parseInline("[go](data:text/html,x)")).toEqual([text("[go](data:text/html,x)")]);
});

test("markup is text", () => {
  expect(parseBlocks("<img src=x onerror=alert(1)>")).toEqual([{ kind: "paragraph", children: [text("<img src=x onerror=alert(1)>")] }]);
});

test("every beginning of an answer can be shown", () => {
  const answer = "# A\n\n**bold** and `code`\n\n```js\nlet a = 1;\n```\n> quote\n\n- [x](https://a.test)\n2) two\n* ";
  for (let end = 0; end <= answer.length; end++) expect(() => parseBlocks(answer.slice(0, end))).not.toThrow();
});

test("every kind of line end parts lines, and none stops the reading", () => {
  expect(parseBlocks("a\r\nb\rc\u2028d\n\u2029\n- ")).toEqual([
    { kind: "paragraph", children: [text("a\nb\nc\nd")] },
    { kind: "list", ordered: false, items: [[]] },
  ]);
});
