/** The texts of the page's sources, as its syntax trees have them. */
import { readdirSync, readFileSync } from "node:fs";
import ts from "typescript";

const SHOWN = new Set(["label", "title", "aria-label", "placeholder", "hint", "alt", "text", "action", "submit", "why"]);
/** Names of products and of signs, which no language translates. */
const SAME = /^(DocStore|URL|[^A-Za-z]*|https?:\S*|\S+@\S+|arn:\S+)$/;
/** A text: a capital letter or a space, with letters. */
const isText = (text: string) => /[A-Za-z]{2}/.test(text) && !SAME.test(text.trim());

interface Source {
  name: string;
  tree: ts.SourceFile;
}

export const SOURCES: Source[] = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((name) => /\.tsx?$/.test(name) && !/\.d\.ts$/.test(name))
  .map((name) => ({
    name,
    tree: ts.createSourceFile(name, readFileSync(`src/${name}`, "utf8"), ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX),
  }));

function each(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => each(child, visit));
}

const marked = (node: ts.Node, tree: ts.SourceFile) => /\/\*i18n\*\/\s*$/.test(tree.text.slice(node.pos, node.getStart(tree)));

/** The texts that are translated: of `i18n.t("…")`, and behind a comment `i18n`. */
export const translatedIn = ({ tree }: Source) => textsIn(tree, tree);

function textsIn(root: ts.Node, tree: ts.SourceFile): string[] {
  const found: string[] = [];
  each(root, (node) => {
    if (ts.isStringLiteral(node) && marked(node, tree)) found.push(node.text);
    if (!ts.isCallExpression(node) || node.expression.getText(tree) !== "i18n.t") return;
    const [text] = node.arguments;
    if (text && ts.isStringLiteral(text)) found.push(text.text);
  });
  return found;
}

/** Texts between tags and in properties that are shown, which nothing translates. */
export function literalIn({ name, tree }: Source): string[] {
  const found: string[] = [];
  const add = (text: string) => isText(text) && found.push(`${name}: ${text.trim()}`);
  each(tree, (node) => {
    if (ts.isJsxText(node)) add(node.text);
    if (!ts.isJsxAttribute(node) || !SHOWN.has(node.name.getText(tree)) || !node.initializer) return;
    const value = ts.isJsxExpression(node.initializer) ? node.initializer.expression : node.initializer;
    if (value && ts.isStringLiteral(value)) add(value.text);
    if (value && ts.isTemplateExpression(value)) add([value.head, ...value.templateSpans.map(({ literal }) => literal)].map(({ text }) => text).join(""));
  });
  return found;
}

/** The texts of buttons and tabs, which have little room on a phone. */
export function onButtonsIn({ tree }: Source): string[] {
  const found: string[] = [];
  each(tree, (node) => {
    if (!ts.isJsxElement(node) || !/^(button|Tab)$/.test(node.openingElement.tagName.getText(tree))) return;
    for (const child of node.children) {
      if (ts.isJsxExpression(child) && child.expression) found.push(...textsIn(child.expression, tree));
    }
  });
  return found;
}
