/** Whether the page is being printed: then lists show all that is loaded, not what is in sight. */
import { useSyncExternalStore } from "react";

let printing = false;

function subscribe(listener: () => void): () => void {
  // Sheets are counted before the media change: what comes with that one has no room any more.
  const set = (event: Event) => {
    printing = event.type === "beforeprint";
    listener();
  };
  addEventListener("beforeprint", set);
  addEventListener("afterprint", set);
  return () => {
    removeEventListener("beforeprint", set);
    removeEventListener("afterprint", set);
  };
}

export const usePrinting = (): boolean => useSyncExternalStore(subscribe, () => printing);
