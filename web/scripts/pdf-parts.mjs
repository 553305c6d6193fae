// Puts beside the build what PDF.js fetches by name once a document needs it: decoders, character maps, fonts.
// Files of that place are cached for ever, so the version is part of it.
import { cpSync, readFileSync } from "node:fs";

const FROM = new URL("../node_modules/pdfjs-dist/", import.meta.url);
const { version } = JSON.parse(readFileSync(new URL("package.json", FROM), "utf8"));
const TO = new URL(`../dist/assets/pdfjs-${version}/`, import.meta.url);

for (const folder of ["wasm", "cmaps", "standard_fonts"]) {
  cpSync(new URL(folder, FROM), new URL(folder, TO), { recursive: true });
}
