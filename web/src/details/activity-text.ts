/** Turns activity into sentences. Similar changes of one person to several files become one sentence. */
import type { ActivityItem } from "@/api/types";
import { counted } from "@/lib/format";

const TOGETHER_MS = 10 * 60_000;
const NAMES_SHOWN = 3;

export interface ActivityEntry {
  id: string;
  who: string;
  did: string;
  /** Names of several files, or the device, or tags. */
  more: string;
  at: string;
}

interface About {
  id: string;
  kind: "file" | "folder";
}

/** `items`: newest first, as the API returns them; `about`: the file or folder shown; `me`: the reader's account id. */
export function activityEntries(items: ActivityItem[], about: About, me: string): ActivityEntry[] {
  return groups(withoutRepeats(items), about).map((group) => {
    const [first] = group as [ActivityItem];
    const entry = { id: first.id, who: whoOf(first, me), at: first.at };
    if (group.length > 1) {
      const names = [...new Set(group.map((item) => item.name))];
      const rest = names.length - NAMES_SHOWN;
      const listed = names.slice(0, NAMES_SHOWN).join(", ");
      return {
        ...entry,
        did: sentence(first, counted(group.length, "item", "items"), false),
        more: rest > 0 ? `${listed} and ${counted(rest, "other", "others")}` : listed,
      };
    }
    const itself = first.file_id === about.id;
    return { ...entry, did: sentence(first, itself ? `this ${about.kind}` : `“${first.name}”`, itself), more: moreOf(first) };
  });
}

/** Removes repeated shares: a share is recorded again when the person verifies their address. */
function withoutRepeats(items: ActivityItem[]): ActivityItem[] {
  const current = new Map<string, string>();
  const changed = [...items].reverse().filter(({ file_id, email, type, role }) => {
    if (!email) return true;
    const key = `${file_id} ${email}`;
    const state = `${type} ${role}`;
    const repeated = current.get(key) === state;
    current.set(key, state);
    return !repeated;
  });
  return changed.reverse();
}

/** Groups consecutive actions of one type by one person on different files. */
function groups(items: ActivityItem[], about: About): ActivityItem[][] {
  const found: ActivityItem[][] = [];
  for (const item of items) {
    const last = found.at(-1);
    const before = last?.at(-1);
    const joins =
      last !== undefined &&
      before !== undefined &&
      before.type === item.type &&
      before.actor?.id === item.actor?.id &&
      Date.parse(before.at) - Date.parse(item.at) < TOGETHER_MS &&
      ![item, before].some(({ file_id }) => file_id === about.id) &&
      !last.some(({ file_id }) => file_id === item.file_id) &&
      SEVERAL.has(item.type);
    if (joins) last.push(item);
    else found.push([item]);
  }
  return found;
}

const SEVERAL = new Set<ActivityItem["type"]>(["created", "modified", "moved", "tagged", "described", "deleted", "restored", "purged"]);

function whoOf({ actor, type }: ActivityItem, me: string): string {
  if (!actor) return type === "purged" ? "The retention policy" : "Someone";
  return actor.id === me ? "You" : (actor.name ?? "Someone");
}

const ROLES = { viewer: "can view", editor: "can edit" };

function sentence(item: ActivityItem, what: string, itself: boolean): string {
  switch (item.type) {
    case "created":
      return itself ? `created ${what}` : `added ${what}`;
    case "modified":
      return item.version && itself ? `saved version ${item.version}` : `changed ${what}`;
    case "renamed":
      return itself ? `renamed it from “${item.previous_name}” to “${item.name}”` : `renamed “${item.previous_name}” to ${what}`;
    case "moved":
      return item.from && item.to ? `moved ${what} from ${item.from} to ${item.to}` : `moved ${what}`;
    case "tagged":
      return `changed the tags of ${what}`;
    case "described":
      return `changed the metadata of ${what}`;
    case "deleted":
      return `moved ${what} to the trash`;
    case "restored":
      return `restored ${what} from the trash`;
    case "purged":
      return `deleted ${what} forever`;
    case "shared":
      return `shared ${what} with ${item.email} (${ROLES[item.role ?? "viewer"]})`;
    case "unshared":
      return `stopped sharing ${what} with ${item.email}`;
    case "link_created":
      return `created a link to ${what}`;
    case "link_revoked":
      return `revoked a link to ${what}`;
  }
}

function moreOf(item: ActivityItem): string {
  if (item.type === "tagged") return item.tags?.length ? item.tags.join(", ") : "All tags removed";
  if (item.type === "moved" && item.previous_name) return `It was called “${item.previous_name}”`;
  return item.device ? `On ${item.device}` : "";
}
