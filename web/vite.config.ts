import { lingui } from "@lingui/vite-plugin";
import react from "@vitejs/plugin-react";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { frameTexts } from "./scripts/frame-texts.mjs";

const gateway = process.env.DOCSTORE_GATEWAY ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [react({ jsxImportSource: "@/jsx" }), lingui({ failOnMissing: true, failOnCompileError: true })],
  define: { FRAME_TEXTS: JSON.stringify(frameTexts("office-frame/elements.ts", "link-frame/link.ts", "lib/office.ts")) },
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    target: "es2022",
    manifest: true,
    // A data: URL would need a wider content security policy than this page has.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1500,
  },
  // Scripts find what they load beside themselves: the gateway may put another origin into index.html.
  experimental: { renderBuiltUrl: (_, { hostType }) => (hostType === "html" ? undefined : { relative: true }) },
  server: { proxy: { "/v1": gateway, "/web": gateway, "/frames": gateway, "/assets": gateway } },
  test: {
    environment: "happy-dom",
    setupFiles: ["tests/setup.ts"],
    include: ["tests/**/*.test.{ts,tsx}"],
    restoreMocks: true,
    testTimeout: 60_000,
  },
});
