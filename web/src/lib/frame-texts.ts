/** Texts of frames in the language of the page that shows them. */

/** By language and English text; the build puts them in (`scripts/frame-texts.mjs`). */
declare const FRAME_TEXTS: Record<string, Record<string, string>>;

/** A text in the language of a tag: in that of `zh-Hans` if there is Chinese. */
export const translated = (text: string, tag: string): string => FRAME_TEXTS[tag.split("-")[0] ?? ""]?.[text] ?? text;
