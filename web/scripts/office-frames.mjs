// Builds, for each format of Office documents, the page that renders it in a sandboxed frame, and the frame that the pages of
// public links show them in. Each has one classic script: modules would need CORS in a sandboxed frame, whose origin is
// opaque. The gateway serves frames/ with policies of their own.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { frameTexts } from "./frame-texts.mjs";

const WEB = fileURLToPath(new URL("..", import.meta.url));
const FRAMES = [
  ...["docx", "xlsx", "pptx", "xls", "ods", "opendocument", "doc", "ppt", "rtf"].map((name) => ({ name, page: "office-frame/frame.html", script: `office-frame/${name}.ts`, texts: ["office-frame/elements.ts"] })),
  { name: "link", page: "link-frame/link.html", script: "link-frame/link.ts", texts: ["link-frame/link.ts", "lib/office.ts"] },
];
mkdirSync(`${WEB}/dist/frames`, { recursive: true });

for (const { name, page, script, texts } of FRAMES) {
  const { output } = await build({
    root: WEB,
    configFile: false,
    publicDir: false,
    logLevel: "warn",
    resolve: { alias: { "@": `${WEB}/src` } },
    define: { "process.env.NODE_ENV": '"production"', FRAME_TEXTS: JSON.stringify(frameTexts(...texts)) },
    build: {
      target: "es2022",
      emptyOutDir: false,
      chunkSizeWarningLimit: 2500,
      rollupOptions: {
        input: `${WEB}/src/${script}`,
        checks: { emptyImportMeta: false }, // by which the presentation renderer looks for PDF.js: a frame has none
        output: { format: "iife", entryFileNames: "assets/frames/[name]-[hash].js" },
      },
    },
  });
  if (output.length !== 1) throw new Error(`${name}: one script, not ${output.map((part) => part.fileName)}`);
  const html = readFileSync(`${WEB}/src/${page}`, "utf8").replace("%SCRIPT%", `/${output[0].fileName}`);
  writeFileSync(`${WEB}/dist/frames/${name}.html`, html);
}
