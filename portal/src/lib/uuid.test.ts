import { expect, test } from "vitest";
import { randomUuid } from "@/lib/uuid";

test("ids are version 4 UUIDs and do not repeat", () => {
  const ids = Array.from({ length: 200 }, randomUuid);
  expect(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toBe(true);
  expect(new Set(ids).size).toBe(200);
});
