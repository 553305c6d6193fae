/** Presentations, by pptx-renderer. */
import { PptxViewer } from "@aiden0z/pptx-renderer";
import { CannotShow } from "../lib/office";
import { repacked, unpack } from "./archive";
import { serve } from "./frame";

const WIDEST_PX = 960;

serve(async (bytes, root) => {
  const parts = await unpack(bytes);
  root.style.cssText = `max-width: ${WIDEST_PX}px; margin: 0 auto; padding: 16px`;
  const viewer = await PptxViewer.open(repacked(parts).buffer, root, {
    pdfjs: false,
    lazyMedia: true,
    lazySlides: true,
    listOptions: { windowed: true, initialSlides: 4, batchSize: 4 },
  });
  if (!viewer.slideCount) throw new CannotShow("damaged");
});
