import { expect, test } from "vitest";
import { BLANK_FORM, toConfig, toForm } from "@/features/agents/config";
import { changesBetween, diffLines } from "@/features/agents/diff";

test("equal configurations have no changes", () => {
  const config = toConfig(BLANK_FORM);
  expect(changesBetween(config, structuredClone(config))).toEqual([]);
});

test("only the fields that differ are named, with their lines", () => {
  const before = toConfig({ ...BLANK_FORM, rules: [{ text: "one" }, { text: "two" }] });
  const after = { ...before, rules: ["one", "three"] };
  expect(changesBetween(before, after)).toEqual([
    {
      label: "Rules",
      lines: [
        { kind: "same", text: "one" },
        { kind: "removed", text: "two" },
        { kind: "added", text: "three" },
      ],
    },
  ]);
});

test("against nothing, all that is set is new", () => {
  const changes = changesBetween(null, toConfig({ ...BLANK_FORM, role: "Support" }));
  expect(changes.flatMap(({ lines }) => lines).every(({ kind }) => kind === "added")).toBe(true);
});

test("a diff of lines gives both texts back", () => {
  const before = "a\nb\nc\nd";
  const after = "b\nx\nd\ne";
  const lines = diffLines(before, after);
  const side = (kind: "added" | "removed") => lines.filter((line) => line.kind !== kind).map((line) => line.text);
  expect(side("added").join("\n")).toBe(before);
  expect(side("removed").join("\n")).toBe(after);
});

test("a configuration survives the form", () => {
  const config = toConfig({ ...BLANK_FORM, languages: "English, Deutsch ، العربية", max_cost_usd: "0.25", max_total_tokens: "" });
  expect(config.languages).toEqual(["English", "Deutsch", "العربية"]);
  expect(config.limits).toMatchObject({ max_cost_usd: 0.25, max_total_tokens: null });
  expect(toConfig(toForm("Mara", config))).toEqual(config);
});
