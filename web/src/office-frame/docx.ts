/** Text documents, by docx-preview. */
import { renderAsync } from "docx-preview";
import { CannotShow } from "../lib/office";
import { repacked, unpack } from "./archive";
import { serve } from "./frame";

serve(async (bytes, root) => {
  const parts = await unpack(bytes);
  const styles = document.createElement("div");
  document.head.append(styles);
  // Chunks of HTML inside a document are not shown.
  await renderAsync(repacked(parts), root, styles, { renderAltChunks: false, ignoreLastRenderedPageBreak: false });
  if (!root.querySelector("section")) throw new CannotShow("damaged");
});
