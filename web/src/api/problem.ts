import { i18n } from "@lingui/core";
import { problemText } from "@/i18n/locale";

/** An error of the API as a problem document (RFC 9457). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly extra: Record<string, unknown> = {},
    /** Seconds after which the server wants to be asked again. */
    readonly retryAfter: number | null = null,
  ) {
    super(detail);
  }
}

/** There was no response. */
export const OFFLINE = "offline";

export async function problemOf(response: Response): Promise<Problem> {
  const asked = response.headers.get("Retry-After") ?? "";
  const retryAfter = /^\d+$/.test(asked) ? Number(asked) : null;
  try {
    const body = (await response.json()) as { code?: string; detail?: string } & Record<string, unknown>;
    return new Problem(response.status, body.code ?? "unknown", body.detail ?? response.statusText, body, retryAfter);
  } catch {
    return new Problem(
      response.status,
      "unknown",
      i18n.t("The server responded with {status}.", { status: response.status }),
      {},
      retryAfter,
    );
  }
}

/** The message to show. */
export function reason(error: unknown): string {
  if (error instanceof Problem) return problemText(error.code) ?? error.message;
  return error instanceof Error ? error.message : String(error);
}

/** Error by field of a refused request, by its last name: `url` of `body.target.url`. */
export function fieldErrors(error: unknown): Record<string, string> {
  const errors = error instanceof Problem && Array.isArray(error.extra.errors) ? error.extra.errors : [];
  const byName = (errors as { field: string; message: string }[]).map(
    ({ field, message }) => [field.slice(field.lastIndexOf(".") + 1), message] as const,
  );
  return Object.fromEntries(byName);
}

export const hasCode = (error: unknown, ...codes: string[]) => error instanceof Problem && codes.includes(error.code);
