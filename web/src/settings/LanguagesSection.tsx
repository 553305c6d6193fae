/** Languages in which text in pictures and scans is recognized. */
import { i18n } from "@lingui/core";
import { useQuery } from "@tanstack/react-query";
import { call } from "@/api/client";
import { queryClient, useAccount } from "@/api/queries";
import { Link } from "@/lib/router";
import { attempt } from "@/ui/attempt";
import { Switch } from "@/ui/field";
import { Failed, Spinner } from "@/ui/states";

const KEY = ["languages"];
const MOST = 5;
const SCRIPTS: Record<string, string> = { chi_sim: "zh-Hans", chi_tra: "zh-Hant" };

function nameOf(language: string): string {
  try {
    return new Intl.DisplayNames(i18n.locales, { type: "language" }).of(SCRIPTS[language] ?? language) ?? language;
  } catch {
    return language; // Tesseract has names of its own, such as `kor_vert`
  }
}

export function LanguagesSection() {
  const account = useAccount();
  const chosen = useQuery({ queryKey: KEY, queryFn: () => call("get /v1/me/languages") });
  if (chosen.error) return <Failed error={chosen.error} onRetry={() => void chosen.refetch()} />;
  if (!chosen.data) return <Spinner />;
  const { languages, is_default, available } = chosen.data;
  async function choose(next: string[]): Promise<void> {
    await attempt(() => call("put /v1/me/languages", { body: { languages: next } }), i18n.t("Saved."));
    await queryClient.invalidateQueries({ queryKey: KEY });
  }
  return (
    <div>
      <h2>{i18n.t("Languages of pictures and scans")}</h2>
      <p>
        {i18n.t(
          "Text in pictures and scans is searched in these languages, at most {most}. After a change they are read again in the background.",
          { most: MOST },
        )}
      </p>
      {account.plan !== "premium" && (
        <p className="hint">
          {i18n.t("Text recognition is part of the premium plan.")}{" "}
          <Link href="/settings/plan">{i18n.t("Compare plans")}</Link>
        </p>
      )}
      <ul className="preferences">
        {available.map((language) => {
          const on = languages.includes(language);
          const last = on && languages.length === 1;
          return (
            <li key={language}>
              <Switch
                label={nameOf(language)}
                checked={on}
                disabled={last || (!on && languages.length >= MOST)}
                onChange={() =>
                  void choose(on ? languages.filter((one) => one !== language) : [...languages, language])
                }
              />
            </li>
          );
        })}
      </ul>
      {!is_default && (
        <button className="button" onClick={() => void choose([])}>
          {i18n.t("Reset to defaults")}
        </button>
      )}
    </div>
  );
}
