import { defineConfig } from "@lingui/cli";
import { formatter } from "@lingui/format-po";

export default defineConfig({
  sourceLocale: "en",
  locales: ["de", "es", "zh"],
  catalogs: [{ path: "src/i18n/locales/{locale}", include: ["src"], exclude: ["src/api/schema.d.ts"] }],
  // A text is its own id, so that English needs no catalogue.
  format: formatter({ explicitIdAsDefault: true, origins: false }),
  orderBy: "messageId",
});
