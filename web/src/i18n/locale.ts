/** Language of the page: this browser's choice, else the account's, else the first of the browser's languages that there is. */
import { i18n, type Messages } from "@lingui/core";
import { useSyncExternalStore } from "react";
import { compileMessage } from "@/i18n/compile";
import { recall, remember } from "@/lib/theme";

const KEY = "docstore.language";
const SOURCE = "en";

/** By their tags, each in itself. */
export const LANGUAGES = { en: "English", de: "Deutsch", es: "Español", zh: "简体中文" } as const;
export type Language = keyof typeof LANGUAGES;

const CATALOGUES: Record<Exclude<Language, "en">, () => Promise<{ messages: Messages }>> = {
  de: () => import("./locales/de.po"),
  es: () => import("./locales/es.po"),
  zh: () => import("./locales/zh.po"),
};

i18n.setMessagesCompiler(compileMessage);
i18n.load(SOURCE, {});
i18n.activate(SOURCE, regional(SOURCE));

/** The first of these tags in whose language there is a page: `de-AT` gives `de`. */
export function supported(tags: readonly (string | null | undefined)[]): Language | null {
  for (const tag of tags) {
    const language = tag?.toLowerCase().split("-")[0] ?? "";
    if (language in LANGUAGES) return language as Language;
  }
  return null;
}

/** A choice of this browser comes before `account`, the account's. */
export const preferred = (account?: string | null): Language =>
  supported([recall(KEY), account, ...navigator.languages]) ?? SOURCE;

/** Shows the page in a language. Rejects, and changes nothing, where its texts cannot be loaded. */
export async function activate(language: Language): Promise<void> {
  if (language === i18n.locale) return;
  await load(language);
  show(language);
}

/** The choice of this browser. */
export async function choose(language: Language): Promise<void> {
  await load(language);
  remember(KEY, language);
  show(language);
}

async function load(language: Language): Promise<void> {
  if (language === SOURCE) return;
  const [{ messages }, { PROBLEM_TEXTS }] = await Promise.all([CATALOGUES[language](), import("./problem-texts")]);
  i18n.load(language, messages);
  problemTexts = PROBLEM_TEXTS;
}

function show(language: Language): void {
  i18n.activate(language, regional(language));
  document.documentElement.lang = language === "zh" ? "zh-Hans" : language;
}

export function useLanguage(): Language {
  return useSyncExternalStore((listener) => i18n.on("change", listener), () => i18n.locale as Language);
}

let problemTexts: Readonly<Record<string, string>> = {};

/** The text of a problem's code; null in English, where the server's own words are better, and for a code without one. */
export function problemText(code: string): string | null {
  const text = i18n.locale === SOURCE ? undefined : problemTexts[code];
  return text ? i18n.t(text) : null;
}

/** For dates and numbers: as the browser's own region writes them, if it is one of that language. */
function regional(language: string): string {
  return navigator.languages.find((tag) => tag.toLowerCase().split("-")[0] === language) ?? language;
}
