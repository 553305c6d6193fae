/** The rendition of a video that every browser plays, which the server makes when it is first asked for. */
import { refresh } from "@/api/session";
import type { FileItem } from "@/api/types";

export const CONVERTED_AGAIN_MS = 3_000;

export interface Converted {
  state: "ready" | "pending" | "failed";
  url: string;
  /** From 0 to 1. */
  progress: number;
  /** Why it failed. */
  reason?: string;
}

export async function convertedVideo(file: FileItem, signal: AbortSignal): Promise<Converted> {
  const url = `/v1/files/${file.id}/preview?kind=rendition&v=${file.version}`;
  const response = await fetch(url, { redirect: "manual", signal });
  if (response.type === "opaqueredirect") return { state: "ready", url, progress: 1 };
  if (response.status === 401 && (await refresh())) return { state: "pending", url, progress: 0 };
  const problem = (await response.json()) as { progress?: number; reason?: string };
  if (response.status !== 503) return { state: "failed", url, progress: 0, reason: problem.reason };
  return { state: "pending", url, progress: problem.progress ?? 0 };
}
