/** Kinds of documents, for icons and for the viewer. */
import type { FileItem } from "@/api/types";

export type Kind =
  | "folder" | "image" | "video" | "audio" | "pdf" | "markdown" | "text" | "code" | "sheet" | "slides" | "document"
  | "archive" | "other";

const BY_ENDING: Record<string, Kind> = {
  md: "markdown", markdown: "markdown", txt: "text", log: "text", csv: "sheet", tsv: "sheet",
  json: "code", yaml: "code", yml: "code", toml: "code", xml: "code", html: "code", css: "code", js: "code", ts: "code",
  tsx: "code", jsx: "code", py: "code", rs: "code", go: "code", java: "code", c: "code", h: "code", cpp: "code",
  sh: "code", sql: "code", ini: "code", svg: "image", cs: "code", php: "code", rb: "code", kt: "code", swift: "code", scala: "code",
  hpp: "code", cc: "code", pl: "code", lua: "code", r: "code", dart: "code", vue: "code", scss: "code", less: "code", mjs: "code",
  cjs: "code", bat: "code", ps1: "code", tf: "code", proto: "code", diff: "code", patch: "code", conf: "code", cfg: "code",
  properties: "code", env: "code", tex: "code",
  pdf: "pdf", png: "image", jpg: "image", jpeg: "image", gif: "image", webp: "image", avif: "image", bmp: "image",
  heic: "image", heif: "image", tif: "image", tiff: "image",
  mp4: "video", webm: "video", mov: "video", mkv: "video",
  "3gp": "video", avi: "video", flv: "video", m4v: "video", mpeg: "video", mpg: "video", ogv: "video", wmv: "video", mp3: "audio", wav: "audio", ogg: "audio", flac: "audio",
  m4a: "audio", xlsx: "sheet", xls: "sheet", ods: "sheet", pptx: "slides", ppt: "slides", odp: "slides",
  docx: "document", doc: "document", odt: "document", rtf: "document", epub: "document",
  zip: "archive", gz: "archive", tar: "archive", "7z": "archive", rar: "archive", zst: "archive",
};

const BUILD_FILES = /^(Dockerfile|Makefile|Jenkinsfile|Gemfile|\.(bashrc|editorconfig|env|gitignore|profile|zshrc))$/;

export function endingOf(name: string): string {
  const dot = name.lastIndexOf(".");
  return dot > 0 ? name.slice(dot + 1).toLowerCase() : "";
}

export function kindOf(file: Pick<FileItem, "kind" | "name" | "content_type">): Kind {
  if (file.kind === "folder") return "folder";
  const ending = endingOf(file.name);
  const byEnding = Object.hasOwn(BY_ENDING, ending) && BY_ENDING[ending]; // an object knows "constructor", too
  if (byEnding) return byEnding;
  if (BUILD_FILES.test(file.name)) return "code";
  const type = file.content_type ?? "";
  for (const family of ["image", "video", "audio"] as const) if (type.startsWith(`${family}/`)) return family;
  if (type === "application/pdf") return "pdf";
  return type.startsWith("text/") || type === "application/json" ? "text" : "other";
}

const PREVIEWED_TYPES = /^(image\/(avif|bmp|gif|heic|heif|jpeg|png|svg\+xml|tiff|webp)|application\/pdf|video\/(3gpp|mp4|mpeg|ogg|quicktime|webm|x-(flv|m4v|matroska|ms-wmv|msvideo)))$/;
const PREVIEWED_ENDINGS = /^(avif|bmp|gif|hei[cf]|jpe?g|png|svg|tiff?|webp|pdf|3gp|avi|flv|m4v|mkv|mov|mp4|mpe?g|ogv|webm|wmv)$/;
const SAYS_NOTHING = /^((application|binary)\/octet-stream)?$/;

/** Whether the server makes previews of such files: by the types that its media service has (`rules.py` there). */
export function isPreviewed(file: Pick<FileItem, "kind" | "name" | "content_type" | "size">): boolean {
  if (file.kind === "folder" || !file.size) return false;
  const [declared = ""] = (file.content_type ?? "").split(";");
  const type = declared.trim().toLowerCase();
  return SAYS_NOTHING.test(type) ? PREVIEWED_ENDINGS.test(endingOf(file.name)) : PREVIEWED_TYPES.test(type);
}

const NEVER_PLAYED = /^(avi|flv|mpe?g|wmv)$/;

/** Videos that no browser plays: trying would only cost time. */
export const isNeverPlayed = (file: Pick<FileItem, "name">): boolean => NEVER_PLAYED.test(endingOf(file.name));

const OFFICE_ENDINGS = /^(docx?|od[pst]|pptx?|rtf|xlsx?)$/;

/** Documents that the server shows as pages, where it has LibreOffice. */
export const isOffice = (file: Pick<FileItem, "kind" | "name">): boolean =>
  file.kind === "file" && OFFICE_ENDINGS.test(endingOf(file.name));

/** Kinds whose bytes are text, which the viewer fetches and two versions of which can be compared. */
export function isText(file: Pick<FileItem, "kind" | "name" | "content_type">): boolean {
  const kind = kindOf(file);
  return ["text", "code", "markdown"].includes(kind) || ["csv", "tsv", "svg"].includes(endingOf(file.name));
}

export const KIND_NAMES: Record<Kind, string> = {
  folder: /*i18n*/ "Folder", image: /*i18n*/ "Image", video: /*i18n*/ "Video", audio: /*i18n*/ "Audio", pdf: "PDF", markdown: /*i18n*/ "Markdown", text: /*i18n*/ "Text",
  code: /*i18n*/ "Code", sheet: /*i18n*/ "Spreadsheet", slides: /*i18n*/ "Presentation", document: /*i18n*/ "Document", archive: /*i18n*/ "Archive", other: /*i18n*/ "File",
};
