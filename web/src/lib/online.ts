/** Whether the browser is online. */
import { useSyncExternalStore } from "react";

function subscribe(listener: () => void): () => void {
  addEventListener("online", listener);
  addEventListener("offline", listener);
  return () => {
    removeEventListener("online", listener);
    removeEventListener("offline", listener);
  };
}

/** Known to have no network: a browser that can’t report it has one. */
export const isOffline = (): boolean => navigator.onLine === false;

export const useOnline = (): boolean => useSyncExternalStore(subscribe, () => navigator.onLine);
