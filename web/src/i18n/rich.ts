/** Translated texts with elements in them. */
import { cloneElement, type ReactElement, type ReactNode } from "react";

/** Puts `elements` around the numbered parts of a text: "See <0>plans</0>." */
export function rich(text: string, ...elements: ReactElement[]): ReactNode {
  return text.split(/(<\d>.*?<\/\d>)/).map((piece) => {
    const [, number, content] = /^<(\d)>(.*)<\/\d>$/.exec(piece) ?? [];
    const element = elements[Number(number)];
    return element ? cloneElement(element, { key: number }, content) : piece;
  });
}
