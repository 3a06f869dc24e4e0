import { defineConfig } from "@playwright/test";

/**
 * The browser's tests run against the real server, which `e2e/server.ts` starts on a fresh data directory.
 * KONSTRUCT_TEST_BINARY names the binary, KONSTRUCT_TEST_CHROMIUM the browser.
 */
export default defineConfig({
  testDir: "e2e",
  testMatch: "*.e2e.ts",
  outputDir: "test-results/runs",
  globalSetup: "./e2e/server.ts",
  // One server, one browser: the machines this runs on are small.
  workers: 1,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  reporter: [["list"]],
  use: {
    viewport: { width: 1280, height: 900 },
    locale: "en-GB",
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: process.env.KONSTRUCT_TEST_CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
