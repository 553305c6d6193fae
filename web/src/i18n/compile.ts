/**
 * Parses the English texts that have values or plurals. The catalogues of other languages are compiled when the page is built;
 * English has none, since each text is its own id, and Lingui's parser of all of ICU would be larger than all that it parses.
 */
import type { Messages } from "@lingui/core";

type CompiledMessage = Exclude<Messages[string], string>;
type Token = string | [name: string] | [name: string, type: string, cases: Record<string, Token[]>];

const parsed = new Map<string, CompiledMessage>();

/** A text in the form that Lingui formats: its parts. Knows `{name}`, `plural` and `select`, and no quoting. */
export function compileMessage(text: string): CompiledMessage {
  let found = parsed.get(text);
  if (!found) {
    found = new Parser(text).message() as CompiledMessage;
    parsed.set(text, found);
  }
  return found;
}

class Parser {
  private at = 0;

  constructor(private readonly text: string) {}

  /** Up to the end, or to the brace that closes a case. */
  message(inPlural = false): Token[] {
    const tokens: Token[] = [];
    for (;;) {
      const plain = this.take(inPlural ? /[^{}#]*/y : /[^{}]*/y)[0];
      if (plain) tokens.push(plain);
      if (this.take(/#/y)[0]) tokens.push("#");
      else if (this.take(/\{/y)[0]) tokens.push(this.argument());
      else return tokens;
    }
  }

  private argument(): Token {
    const [, name = "", type] = this.take(/\s*(\w+)\s*(?:,\s*(\w+)\s*,\s*)?/y);
    const cases: Record<string, Token[]> = {};
    while (!this.take(/\}/y)[0]) {
      const [, key] = this.take(/=?(\w+)\s*\{/y);
      if (!key) throw new Error(`Malformed text: ${this.text}`);
      cases[key] = this.message(type === "plural");
      this.take(/\}\s*/y);
    }
    return type ? [name, type, cases] : [name];
  }

  private take(pattern: RegExp): RegExpExecArray | [string] {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found) this.at = pattern.lastIndex;
    return found ?? [""];
  }
}
