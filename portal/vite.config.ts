import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const server = process.env.KONSTRUCT_URL ?? "http://127.0.0.1:8080";

export default defineConfig(async ({ mode }) => ({
  // `npm run dev -- --mode mock` needs no server; plain `npm run dev` talks to a running one.
  plugins: [react(), tailwindcss(), mode === "mock" ? (await import("./mocks/plugin.ts")).mockApi() : null],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    target: "es2022",
    sourcemap: false,
    // Inlined assets would need `data:` in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        // Without groups every icon and small component is a request of its own.
        codeSplitting: {
          groups: [
            { name: "icons", test: /lucide-react/ },
            { name: "shared", test: /src\/(api|i18n|lib|components)\/(?!ui\/(menu|tabs)|data-table|thread)/, minShareCount: 3 },
          ],
        },
      },
    },
  },
  server: {
    proxy: { "/api": server, "/channels": server },
  },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["./src/test-setup.ts"],
  },
}));
