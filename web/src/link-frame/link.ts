/** The document in the frame of a public link's page: downloads an Office document, which the link counts, and has it
rendered by a sandboxed frame. The page itself has no scripts. */
import { translated } from "../lib/frame-texts";
import { CannotShow, frameUrl, isTextOnly, linkedDocument, TEXT_ONLY, WHY_NOT } from "../lib/office";
import { boundedBytes, renderIn, SANDBOX } from "../viewer/office-frame";

const LOADING = /*i18n*/ "Loading the document…";
const GONE = /*i18n*/ "This link has expired or has no downloads left. Ask the person who gave it to you for another.";

async function content(address: string): Promise<ArrayBuffer> {
  const response = await fetch(address, { credentials: "omit" });
  if (response.status === 404) throw new Error(GONE);
  if (!response.ok) throw new CannotShow("not_loaded");
  return boundedBytes(response);
}

async function show(status: HTMLElement, frame: HTMLIFrameElement): Promise<void> {
  const language = parent.document.documentElement.lang; // the link's page is of this origin
  const say = (text: string): void => {
    status.textContent = translated(text, language);
  };
  document.documentElement.lang = language;
  say(LOADING);
  try {
    const wanted = linkedDocument(location.hash);
    if (!wanted) throw new CannotShow("damaged");
    frame.setAttribute("sandbox", SANDBOX);
    frame.hidden = false;
    const rendered = renderIn(frame, content(wanted.address), new AbortController().signal);
    frame.src = frameUrl(wanted.format, language);
    await rendered;
    if (isTextOnly(wanted.format)) say(TEXT_ONLY);
    else status.remove();
  } catch (error) {
    frame.remove();
    if (error instanceof CannotShow) say(WHY_NOT[error.reason]);
    else say(error instanceof Error && error.message === GONE ? GONE : WHY_NOT.not_loaded);
  }
}

void show(document.querySelector("p") as HTMLElement, document.querySelector("iframe") as HTMLIFrameElement);
