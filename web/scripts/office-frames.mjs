// Builds, for each format of Office documents, the page that renders it in a sandboxed frame, with one classic script:
// modules would need CORS there, since the frame has an opaque origin. The gateway serves frames/ with a policy of its own.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const WEB = fileURLToPath(new URL("..", import.meta.url));
const page = readFileSync(`${WEB}/src/office-frame/frame.html`, "utf8");
mkdirSync(`${WEB}/dist/frames`, { recursive: true });

for (const format of ["docx", "xlsx", "pptx"]) {
  const { output } = await build({
    root: WEB,
    configFile: false,
    publicDir: false,
    logLevel: "warn",
    resolve: { alias: { "@": `${WEB}/src` } },
    define: { "process.env.NODE_ENV": '"production"' },
    build: {
      target: "es2022",
      emptyOutDir: false,
      chunkSizeWarningLimit: 2500,
      rollupOptions: {
        input: `${WEB}/src/office-frame/${format}.ts`,
        output: { format: "iife", entryFileNames: "assets/frames/[name]-[hash].js" },
      },
    },
  });
  if (output.length !== 1) throw new Error(`${format}: one script, not ${output.map((part) => part.fileName)}`);
  writeFileSync(`${WEB}/dist/frames/${format}.html`, page.replace("%SCRIPT%", `/${output[0].fileName}`));
}
