/** Renders Markdown as React elements, token by token, so that no HTML of a file is used. */
import { i18n } from "@lingui/core";
import { marked, type Token, type Tokens } from "marked";
import { Fragment, type ReactNode, useMemo } from "react";

const SAFE_LINK = /^(https?:|mailto:|#)/i;

export default function Markdown({ text }: { text: string }) {
  const tokens = useMemo(() => marked.lexer(text, { gfm: true }), [text]);
  return <div className="markdown">{blocks(tokens)}</div>;
}

const blocks = (tokens: Token[] | undefined): ReactNode =>
  tokens?.map((token, index) => <Fragment key={index}>{block(token)}</Fragment>);

function block(token: Token): ReactNode {
  switch (token.type) {
    case "heading": {
      const Level = `h${Math.min(6, (token as Tokens.Heading).depth)}` as "h1";
      return <Level>{inline(token.tokens)}</Level>;
    }
    case "paragraph":
      return <p>{inline(token.tokens)}</p>;
    case "blockquote":
      return <blockquote>{blocks(token.tokens)}</blockquote>;
    case "code":
      return (
        <pre>
          <code>{(token as Tokens.Code).text}</code>
        </pre>
      );
    case "hr":
      return <hr />;
    case "list":
      return list(token as Tokens.List);
    case "table":
      return table(token as Tokens.Table);
    case "space":
    case "checkbox": // list() has shown it
      return null;
    case "text":
      return token.tokens ? inline(token.tokens) : plain((token as Tokens.Text).text);
    default: // HTML, and whatever the lexer learns: shown as it is written
      return token.raw.trim() ? <p>{token.raw}</p> : null;
  }
}

function list(token: Tokens.List): ReactNode {
  const List = token.ordered ? "ol" : "ul";
  return (
    <List start={token.ordered && token.start !== "" ? token.start : undefined}>
      {token.items.map((item, index) => (
        <li key={index} className={item.task ? "task" : undefined}>
          {item.task && (
            <input
              type="checkbox"
              checked={Boolean(item.checked)}
              readOnly
              aria-label={item.checked ? i18n.t("done") : i18n.t("to do")}
            />
          )}
          {blocks(item.tokens)}
        </li>
      ))}
    </List>
  );
}

function table(token: Tokens.Table): ReactNode {
  return (
    <div className="table-scroll" tabIndex={0} role="region" aria-label={i18n.t("Table")}>
      <table>
        <thead>
          <tr>
            {token.header.map((cell, index) => (
              <th key={index} scope="col">
                {inline(cell.tokens)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {token.rows.map((row, index) => (
            <tr key={index}>
              {row.map((cell, column) => (
                <td key={column}>{inline(cell.tokens)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const inline = (tokens: Token[] | undefined): ReactNode =>
  tokens?.map((token, index) => <Fragment key={index}>{piece(token)}</Fragment>);

function piece(token: Token): ReactNode {
  switch (token.type) {
    case "strong":
      return <strong>{inline(token.tokens)}</strong>;
    case "em":
      return <em>{inline(token.tokens)}</em>;
    case "del":
      return <del>{inline(token.tokens)}</del>;
    case "codespan":
      return <code>{plain((token as Tokens.Codespan).text)}</code>;
    case "br":
      return <br />;
    case "checkbox":
      return null;
    case "link": {
      const { href } = token as Tokens.Link;
      if (!SAFE_LINK.test(href)) return inline(token.tokens);
      return (
        <a href={href} target="_blank" rel="noopener noreferrer">
          {inline(token.tokens)}
        </a>
      );
    }
    case "image": // from elsewhere: the page makes no requests to other sites
      return <span className="muted">[{(token as Tokens.Image).text || "image"}]</span>;
    case "escape":
      return plain((token as Tokens.Escape).text);
    case "text":
      return token.tokens ? inline(token.tokens) : plain((token as Tokens.Text).text);
    default:
      return token.raw;
  }
}

/** The lexer leaves entities as they are written. */
function plain(text: string): string {
  const names: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'", nbsp: "\u00a0" };
  return text.replace(/&(#?\w+);/g, (all, name: string) => names[name] ?? all);
}
