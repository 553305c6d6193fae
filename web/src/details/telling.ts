/** What happened to a file, in sentences. What somebody did to many files of a folder at once is one of them. */
import type { ActivityItem } from "@/api/types";
import { counted } from "@/lib/format";

const TOGETHER_MS = 10 * 60_000;
const NAMES_SHOWN = 3;

export interface Told {
  id: string;
  who: string;
  did: string;
  /** Which files, where they are several; a device, a tag, whatever else is known. */
  more: string;
  at: string;
}

interface About {
  id: string;
  kind: "file" | "folder";
}

/** `items` are the latest first, as the API gives them; `about` is whose activity it is, `me` the account that reads. */
export function tell(items: ActivityItem[], about: About, me: string): Told[] {
  return groups(withoutRepeats(items), about).map((group) => {
    const [first] = group as [ActivityItem];
    const told = { id: first.id, who: whoOf(first, me), at: first.at };
    if (group.length > 1) {
      const names = [...new Set(group.map((item) => item.name))];
      const rest = names.length - NAMES_SHOWN;
      const listed = names.slice(0, NAMES_SHOWN).join(", ");
      return {
        ...told,
        did: sentence(first, counted(group.length, "item", "items"), false),
        more: rest > 0 ? `${listed} and ${counted(rest, "other", "others")}` : listed,
      };
    }
    const itself = first.file_id === about.id;
    return { ...told, did: sentence(first, itself ? `this ${about.kind}` : `“${first.name}”`, itself), more: moreOf(first) };
  });
}

/** A share is recorded once more when the person verifies their address: what did not change is shown once. */
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

/** Runs of the same thing done by the same person to different files in a folder. */
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

const SEVERAL = new Set<ActivityItem["type"]>(["created", "modified", "moved", "tagged", "deleted", "restored", "purged"]);

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
