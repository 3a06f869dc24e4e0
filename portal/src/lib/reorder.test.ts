import { expect, test } from "vitest";
import { placeFor } from "@/lib/reorder";

/** Three rows, the middle one tall. */
const ROWS = [
  { top: 0, bottom: 20 },
  { top: 20, bottom: 100 },
  { top: 100, bottom: 120 },
];

test("a row changes places past the middle of another, not before", () => {
  expect(placeFor(ROWS, 0, 59)).toBe(0);
  expect(placeFor(ROWS, 0, 61)).toBe(1);
  expect(placeFor(ROWS, 2, 61)).toBe(2);
  expect(placeFor(ROWS, 2, 59)).toBe(1);
});

test("a row that is dragged far goes to the end that it is dragged to", () => {
  expect(placeFor(ROWS, 0, 900)).toBe(2);
  expect(placeFor(ROWS, 2, -50)).toBe(0);
});
