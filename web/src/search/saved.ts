/** Saved searches as addresses of the search page, and back. */
import type { SavedSearch } from "@/api/types";

type Filters = SavedSearch["filters"];

/** Filters that the page shows as they are, without a control of their own. */
export const FIXED = ["owner", "modified_after", "modified_before", "created_after", "created_before"] as const;

export function addressOf({ q, filters }: SavedSearch): string {
  const { metadata, tag, modified_within_days, created_within_days, ...others } = filters;
  const query = new URLSearchParams();
  if (q) query.set("q", q);
  for (const [name, value] of Object.entries(others)) query.set(name, String(value));
  if (modified_within_days) query.set("since", String(modified_within_days));
  if (created_within_days) query.set("created", String(created_within_days));
  for (const one of tag ?? []) query.append("tag", one);
  for (const [name, value] of Object.entries(metadata ?? {})) query.set(`meta.${name}`, value);
  return `/search?${query}`;
}

export function filtersOf(query: URLSearchParams, inside: boolean): Filters {
  const given: Record<string, unknown> = { in: inside ? "content" : "name" };
  for (const name of ["type", "kind", "sort", "order", ...FIXED]) if (query.get(name)) given[name] = query.get(name);
  if (query.get("since")) given.modified_within_days = Number(query.get("since"));
  if (query.get("created")) given.created_within_days = Number(query.get("created"));
  if (query.has("tag")) given.tag = query.getAll("tag");
  const metadata = [...query].filter(([name]) => name.startsWith("meta.")).map(([name, value]) => [name.slice(5), value]);
  if (metadata.length > 0) given.metadata = Object.fromEntries(metadata);
  return given as Filters;
}
