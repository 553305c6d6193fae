/** The XML of OpenDocument, read by the browser's own parser. */
import { CannotShow } from "../lib/office";
import { type Parts, text } from "./archive";

const MOST_REPEATS = 100;

export interface Content {
  document: Document;
  body: Element;
}

/** The content of a document. Throws CannotShow. */
export function contentOf(parts: Parts): Content {
  const manifest = parts.get("META-INF/manifest.xml");
  if (manifest && text(manifest).includes("encryption-data")) throw new CannotShow("protected");
  const document = new DOMParser().parseFromString(text(parts.get("content.xml") ?? new Uint8Array()), "application/xml");
  const body = [...document.getElementsByTagName("*")].find((found) => nameOf(found) === "office:body");
  if (!body || document.querySelector("parsererror")) throw new CannotShow("damaged");
  return { document, body };
}

/** A word of the namespace, and the element's name: prefixes are the document's to choose. */
export const nameOf = (node: Element): string => `${node.namespaceURI?.split(":").at(-2)}:${node.localName}`;

/** An attribute by its name without a prefix; empty if there is none. */
export function attribute(node: Element, name: string): string {
  return [...node.attributes].find((found) => found.name.split(":").at(-1) === name)?.value ?? "";
}

/** A number of times, from 1 to `most`. */
export function timesOf(node: Element, name: string, most = MOST_REPEATS): number {
  return Math.min(Math.max(Number.parseInt(attribute(node, name)) || 1, 1), most);
}
