// The file page may load at most so many bytes of compressed script before it can be used.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGET = 150_000;
const DIST = new URL("../dist/", import.meta.url);
const manifest = JSON.parse(readFileSync(new URL(".vite/manifest.json", DIST), "utf8"));

const loaded = new Set();
function load(key) {
  const chunk = manifest[key];
  if (!chunk || loaded.has(chunk.file)) return;
  loaded.add(chunk.file);
  for (const imported of chunk.imports ?? []) load(imported);
}
load("index.html");
load("src/files/FilesPage.tsx");

const bytes = [...loaded].reduce((sum, file) => sum + gzipSync(readFileSync(new URL(file, DIST))).length, 0);
console.log(`first load of the file page: ${(bytes / 1000).toFixed(1)} KB of compressed script (${BUDGET / 1000} allowed)`);
if (bytes > BUDGET) process.exit(1);
