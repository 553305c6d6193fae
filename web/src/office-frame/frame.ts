/** The document in the sandboxed frame: it gets bytes from the page, renders them, and reports whether it could.

Its origin is opaque, and its content security policy allows no connection. Nothing here trusts what it renders. */
import { CannotShow, type FrameMessage, renderRequest } from "../lib/office";

const LINKS = "a, area";

/** Render with `draw` the document that the page sends. */
export function serve(draw: (bytes: ArrayBuffer, root: HTMLElement) => Promise<void> | void): void {
  if (parent === window) return;
  const root = document.getElementById("root") as HTMLElement;
  new MutationObserver(() => disarm(root)).observe(root, { childList: true, subtree: true });
  for (const event of ["click", "auxclick"]) document.addEventListener(event, stopLink, true);
  window.open = () => null;
  addEventListener("message", function onMessage(event) {
    const request = event.source === parent ? renderRequest(event.data) : undefined;
    if (!request) return;
    removeEventListener("message", onMessage);
    Promise.resolve(request.bytes)
      .then((bytes) => draw(bytes, root))
      .then(() => {
        disarm(root);
        tell({ state: "rendered" });
      })
      .catch((error: unknown) => {
        root.replaceChildren();
        tell({ state: "failed", reason: error instanceof CannotShow ? error.reason : "damaged" });
      });
  });
  tell({ state: "ready" });
}

/** To the window that frames this document, which its policy limits to the page. */
const tell = (message: FrameMessage): void => parent.postMessage(message, "*");

/** Links of a document lead nowhere. */
function disarm(root: HTMLElement): void {
  for (const link of root.querySelectorAll(LINKS)) {
    link.removeAttribute("href");
    link.removeAttributeNS("http://www.w3.org/1999/xlink", "href");
  }
}

function stopLink(event: Event): void {
  if (event.target instanceof Element && event.target.closest(LINKS)) event.preventDefault();
}
