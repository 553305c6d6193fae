import { i18n } from "@lingui/core";
import { compileMessage as linguiCompile } from "@lingui/message-utils/compileMessage";
import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, describe, expect, test, vi } from "vitest";
import { App } from "@/app";
import { Problem, reason } from "@/api/problem";
import { queryClient } from "@/api/queries";
import { compileMessage } from "@/i18n/compile";
import { activate, LANGUAGES, preferred, supported } from "@/i18n/locale";
import { messages as de } from "@/i18n/locales/de.po";
import { messages as es } from "@/i18n/locales/es.po";
import { messages as zh } from "@/i18n/locales/zh.po";
import { count, size, when } from "@/lib/format";
import { SHOWN_COLUMNS, showSheets } from "@/office-frame/sheets";
import { literalIn, onButtonsIn, SOURCES, translatedIn } from "./texts";

const CATALOGUES = { de, es, zh };
const TEXTS = [...new Set(SOURCES.flatMap(translatedIn))].sort();

/** The values that a compiled text takes. */
function namesIn(tokens: unknown): string[] {
  if (!Array.isArray(tokens)) return [];
  return tokens.flatMap((token) => {
    if (!Array.isArray(token)) return [];
    const [name, , cases] = token as [string, string?, Record<string, unknown>?];
    return [name, ...Object.values(cases ?? {}).flatMap(namesIn)];
  });
}
const distinct = (names: string[]) => [...new Set(names)].sort();

/** What a text comes to with the same values, in the form of either compiler. */
function formatted(compile: typeof compileMessage, text: string, values: Record<string, unknown>): string {
  i18n.setMessagesCompiler(compile);
  try {
    return i18n._(text, values);
  } finally {
    i18n.setMessagesCompiler(compileMessage);
  }
}

/** The longest of English is 26 letters wide. */
const MOST_ON_A_BUTTON = 30;

/** A letter of Chinese is as wide as two others. */
const width = (text: string) => [...text].reduce((sum, letter) => sum + (/\p{Script=Han}/u.test(letter) ? 2 : 1), 0);

afterEach(async () => {
  await activate("en");
  localStorage.clear();
  vi.unstubAllGlobals();
  queryClient.clear();
});

describe("texts", () => {
  test("no text stands untranslated in a page", () => {
    expect(SOURCES.flatMap(literalIn)).toEqual([]);
  });

  test.each(Object.entries(CATALOGUES))("%s has each text of the page, and no other: else `npm run texts`", (_, catalogue) => {
    expect(Object.keys(catalogue).sort()).toEqual(TEXTS);
  });

  test.each(Object.entries(CATALOGUES))("%s takes the same values as English", (_, catalogue) => {
    const wrong = TEXTS.filter((text) => `${distinct(namesIn(catalogue[text]))}` !== `${distinct(namesIn(compileMessage(text)))}`);
    expect(wrong).toEqual([]);
  });

  test("the small compiler of English makes of each text what Lingui's own does", () => {
    for (const text of TEXTS) {
      const names = distinct(namesIn(compileMessage(text)));
      for (const amount of [1, 1234]) {
        const values = Object.fromEntries(names.map((name) => [name, amount]));
        expect(formatted(compileMessage, text, values)).toBe(formatted(linguiCompile, text, values));
      }
    }
  });

  test("what stands on buttons has room on a phone in each language", () => {
    const onButtons = distinct(SOURCES.flatMap(onButtonsIn));
    expect(onButtons.length).toBeGreaterThan(30);
    const plain = onButtons.filter((text) => namesIn(compileMessage(text)).length === 0);
    const tooLong = Object.values(CATALOGUES).flatMap((catalogue) =>
      plain.map((text) => String(catalogue[text])).filter((text) => width(text) > MOST_ON_A_BUTTON),
    );
    expect(tooLong).toEqual([]);
  });
});

describe("frames", () => {
  test.each([["#de", "Nur der Anfang"], ["#zh-Hans", "仅显示"], ["#en", "Only the beginning"], ["", "Only the beginning"]])(
    "a document that is cut says so in the language of its address: %s",
    (hash, shown) => {
      location.hash = hash;
      const root = document.createElement("main");
      showSheets([{ sheet: "1", data: [Array.from({ length: SHOWN_COLUMNS + 1 }, () => 1)] }], root);
      expect(root.querySelector("p")?.textContent).toContain(shown);
      location.hash = "";
    },
  );
});

describe("language", () => {
  test("a choice of this browser comes first, then the account's, then those of the browser", () => {
    vi.stubGlobal("navigator", { languages: ["fr-FR", "es-MX", "en"] });
    expect(preferred()).toBe("es");
    expect(preferred("zh")).toBe("zh");
    localStorage.setItem("docstore.language", "de");
    expect(preferred("zh")).toBe("de");
    expect(supported(["fr", "pt-BR"])).toBeNull();
    expect(supported(["zh-Hans-CN"])).toBe("zh");
  });

  test("dates, numbers and sizes follow it", async () => {
    await activate("de");
    expect([count(1234.5), size(1536), when("2026-03-09T11:00:00Z", Date.parse("2026-03-10T12:00:00Z"))]).toEqual(["1.234,5", "1,5 KB", "gestern"]);
    expect(document.documentElement.lang).toBe("de");
    await activate("zh");
    expect(when("2026-03-09T11:00:00Z", Date.parse("2026-03-10T12:00:00Z"))).toBe("昨天");
  });

  test("an error of the API is told by its code; one without a text, and English, in the server's words", async () => {
    const taken = new Problem(409, "name_taken", "There is a file named x.");
    expect(reason(taken)).toBe("There is a file named x.");
    await activate("es");
    expect(reason(taken)).toBe("Aquí ya existe algo con este nombre.");
    expect(reason(new Problem(400, "very_rare", "It is rare."))).toBe("It is rare.");
  });

  test("the choice in the settings changes the page and is kept, here and in the account", async () => {
    const sent: unknown[] = [];
    const me = { id: "me", email: "a@example.org", display_name: "A", plan: "free", role: "user", email_verified: true, language: null, usage: { used: 0, limit: 1 } };
    vi.stubGlobal("fetch", async (path: string, { method = "GET", body }: RequestInit = {}) => {
      if (method === "PATCH") sent.push(JSON.parse(String(body)));
      const answers: Record<string, unknown> = { "/web/session": { csrf_token: "t", renewable: true }, "/v1/me": me, "/v1/me/languages": { languages: ["eng"], available: ["eng"], is_default: true } };
      return new Response(JSON.stringify(answers[path] ?? { items: [] }));
    });
    vi.stubGlobal("EventSource", class extends EventTarget { close() {} });
    history.replaceState(null, "", "/settings/languages");
    render(
      <QueryClientProvider client={queryClient}>
        <App />
      </QueryClientProvider>,
    );
    await userEvent.selectOptions(await screen.findByLabelText("Language"), LANGUAGES.de);
    expect(await screen.findByRole("heading", { name: "Einstellungen" })).toBeTruthy();
    await waitFor(() => expect(sent).toEqual([{ language: "de" }]));
    expect(await screen.findByText("Gespeichert.")).toBeTruthy();
    expect(preferred()).toBe("de");
  });
});
