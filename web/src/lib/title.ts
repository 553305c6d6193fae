/** Title of the browser tab: of the page, or of the viewer over it. */

import { useEffect } from "react";
import { visible } from "@/jsx/visible";

const titles: (string | undefined)[] = [];

function apply(): void {
  const top = titles.findLast((title) => title);
  document.title = top ? visible(`${top} · DocStore`) : "DocStore";
}

/** Layer 0 is the page, layer 1 what is over it. */
export function useTitle(title: string | undefined, layer: 0 | 1 = 0): void {
  useEffect(() => {
    titles[layer] = title;
    apply();
    return () => {
      titles[layer] = undefined;
      apply();
    };
  }, [title, layer]);
}
