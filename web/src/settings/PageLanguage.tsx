/** Language of the page in this browser, and of the account's emails. */
import { i18n } from "@lingui/core";
import { call } from "@/api/client";
import { keys, queryClient } from "@/api/queries";
import { choose, type Language, LANGUAGES, useLanguage } from "@/i18n/locale";
import { attempt } from "@/ui/attempt";

export function PageLanguage() {
  const language = useLanguage();
  async function change(next: Language): Promise<void> {
    if (!(await attempt(() => choose(next)))) return;
    await attempt(() => call("patch /v1/me", { body: { language: next } }), i18n.t("Saved."));
    await queryClient.invalidateQueries({ queryKey: keys.me });
  }
  return (
    <div className="field">
      <label htmlFor="page-language">{i18n.t("Language")}</label>
      <select
        id="page-language"
        aria-describedby="page-language-about"
        value={language}
        onChange={(event) => void change(event.target.value as Language)}
      >
        {Object.entries(LANGUAGES).map(([tag, name]) => (
          <option key={tag} value={tag} lang={tag}>
            {name}
          </option>
        ))}
      </select>
      <p id="page-language-about" className="field-hint">
        {i18n.t("Of this page in this browser, and of emails to you.")}
      </p>
    </div>
  );
}
