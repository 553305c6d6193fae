// Validates an AsyncAPI document with AsyncAPI's own parser: node asyncapi.mjs FILE
import { readFile } from "node:fs/promises";
import { DiagnosticSeverity, Parser } from "@asyncapi/parser";

const [file] = process.argv.slice(2);
const { document, diagnostics } = await new Parser().parse(await readFile(file, "utf-8"));
for (const { severity, path, message } of diagnostics) {
  console.log(`${DiagnosticSeverity[severity] ?? severity} ${path.join(".")}: ${message}`);
}
const serious = diagnostics.filter(({ severity }) => severity <= 1);
if (!document || serious.length > 0) process.exit(1);
console.log(`${file}: ${document.allMessages().length} messages, valid`);
