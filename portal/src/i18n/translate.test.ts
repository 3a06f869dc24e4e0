import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { formatAgo, formatCost, formatDuration } from "@/i18n/format";
import { messages } from "@/i18n/messages";
import { t } from "@/i18n/translate";

test("parameters are filled in and numbers are written as the language writes them", () => {
  expect(t("run.tokens", { read: 1893, written: 2 })).toBe("1,893 read, 2 written");
});

test("the form follows the count", () => {
  expect(t("home.dead_letters", { count: 1 })).toBe("1 message could not be handled");
  expect(t("home.dead_letters", { count: 2 })).toBe("2 messages could not be handled");
});

test("every key is used somewhere, and every key that is used exists", () => {
  const used = sources("src").join("\n");
  // Keys that are put together from a part: t(`run.status_${status}`)
  const stems = [...used.matchAll(/t\(`([\w.]+)\$\{/g)].map(([, stem]) => stem ?? "");
  const literals = new Set([...used.matchAll(/"([a-z_]+\.[a-z0-9_.]+)"/g)].map(([, key]) => key));
  const isUsed = (key: string) =>
    literals.has(key) || stems.some((stem) => (stem === "agents." ? key.startsWith("agents.max_") : key.startsWith(stem)));
  expect(Object.keys(messages).filter((key) => !isUsed(key))).toEqual([]);
  const asked = [...used.matchAll(/\bt\("([^"]+)"/g)].map(([, key]) => key ?? "");
  expect(asked.filter((key) => !(key in messages))).toEqual([]);
});

test("two messages never share a key", () => {
  const keys = readdirSync("src/i18n/messages").flatMap((file) =>
    [...readFileSync(join("src/i18n/messages", file), "utf8").matchAll(/^ {2}"([^"]+)":/gm)].map(([, key]) => key),
  );
  expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
});

test.each([
  [0, "$0"],
  [0.0021, "$0.0021"],
  [0.25, "$0.250"],
  [3.5, "$3.50"],
  [null, "Not known"],
])("a cost of %s reads %s", (cost, text) => {
  expect(formatCost(cost)).toBe(text);
});

test("durations and moments are said in the unit that fits", () => {
  expect(formatDuration(24)).toBe("24 ms");
  expect(formatDuration(3120)).toBe("3.1 s");
  expect(formatDuration(125_000)).toBe("2 min 5 s");
  const now = Date.parse("2026-01-10T12:00:00Z");
  expect(formatAgo("2026-01-10T11:59:40Z", now)).toBe("just now");
  expect(formatAgo("2026-01-10T11:15:00Z", now)).toBe("45 minutes ago");
  expect(formatAgo("2026-01-09T11:00:00Z", now)).toBe("yesterday");
});

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return path.endsWith("i18n/messages") ? [] : sources(path);
    return /\.tsx?$/.test(path) && !path.endsWith(".test.ts") ? [readFileSync(path, "utf8")] : [];
  });
}
