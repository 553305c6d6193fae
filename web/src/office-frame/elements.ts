/** What the renderers of ours are made of. Texts of documents are set as text, never as HTML. */

import { translated } from "../lib/frame-texts";

const ONLY_THE_BEGINNING = /*i18n*/ "Only the beginning is shown. Download it to read all of it.";

/** The end of a document that is not shown whole; the frame's address has the language. */
export const cutHere = (): HTMLElement => element("p", translated(ONLY_THE_BEGINNING, location.hash.slice(1)));

export function element<N extends keyof HTMLElementTagNameMap>(name: N, content = ""): HTMLElementTagNameMap[N] {
  const made = document.createElement(name);
  made.textContent = content;
  return made;
}

/** An empty sheet of paper in `root`. */
export function paper(root: HTMLElement): HTMLElement {
  const made = element("article");
  root.append(made);
  return made;
}
