// Runs the cases a test asks for (JSON on standard input) and prints a line for each: `ok NAME MODEL`, or why not.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

export const given = JSON.parse(readFileSync(0, "utf8"));

/** From the packages that the test's environment names. */
export const require = createRequire(`${given.node_modules}/`);

export const same = assert.deepStrictEqual;

/** The error of this class (and of no subclass) that the work rejects with. */
export async function rejects(kind, work) {
  try {
    await work();
  } catch (error) {
    assert.equal(error.constructor.name, kind.name, error.stack);
    return error;
  }
  assert.fail(`expected ${kind.name}, nothing was thrown`);
}

/** `fetch` that counts. */
export const counting = Object.assign(
  (...given) => {
    counting.requests += 1;
    return fetch(...given);
  },
  { requests: 0 },
);

/** How many requests the SDK makes for the work, which may fail. */
export async function asked(work) {
  const before = counting.requests;
  await Promise.resolve(work()).catch(() => {});
  return counting.requests - before;
}

/** What the fake models have counted: `calls` and `abandoned`. */
export async function upstream() {
  return (await fetch(given.counts_url)).json();
}

/** Waits until it holds. */
export async function eventually(condition) {
  for (const until = Date.now() + 20_000; !(await condition()); ) {
    assert.ok(Date.now() < until, "it never came to be");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Runs everything; the exit code tells whether all went well. */
export async function run(cases) {
  let failed = false;
  for (const [name, model] of given.cases) {
    try {
      await cases[name](model);
      console.log(`ok ${name} ${model}`);
    } catch (error) {
      failed = true;
      console.log(`failed ${name} ${model}\n${error.stack}`);
    }
  }
  process.exit(failed ? 1 : 0);
}
