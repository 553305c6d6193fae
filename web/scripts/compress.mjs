// Writes .gz and .br beside every file of text or code in dist, so that the gateway need not compress.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const DIST = new URL("../dist", import.meta.url).pathname;
const SMALLEST = 1024;

for (const name of readdirSync(DIST, { recursive: true })) {
  const path = join(DIST, name);
  if (!/\.(js|mjs|wasm|css|html|svg|json)$/.test(name) || statSync(path).size < SMALLEST) continue;
  const content = readFileSync(path);
  writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
  writeFileSync(`${path}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }));
}
