// Translations of the texts of frames, which load no catalogue: by language, of those that are marked in the sources given.
import { formatter } from "@lingui/format-po";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const SOURCES = fileURLToPath(new URL("../src", import.meta.url));
const LOCALES = `${SOURCES}/i18n/locales`;
const MARKED = /\/\*i18n\*\/\s*("(?:[^"\\]|\\.)*")/g;

export function frameTexts(...names) {
  const marked = names.flatMap((name) => [...readFileSync(`${SOURCES}/${name}`, "utf8").matchAll(MARKED)]);
  const texts = marked.map(([, text]) => JSON.parse(text));
  const { parse } = formatter({ explicitIdAsDefault: true });
  return Object.fromEntries(
    readdirSync(LOCALES).map((file) => {
      const catalogue = parse(readFileSync(`${LOCALES}/${file}`, "utf8"), { locale: null, sourceLocale: "en", filename: file });
      const missing = texts.filter((text) => !catalogue[text]?.translation);
      if (missing.length) throw new Error(`${file} lacks texts of frames, run "npm run texts": ${missing}`);
      return [file.replace(".po", ""), Object.fromEntries(texts.map((text) => [text, catalogue[text].translation]))];
    }),
  );
}
