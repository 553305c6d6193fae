/** Turns activity into sentences. Similar changes of one person to several files become one sentence. */
import { i18n } from "@lingui/core";
import type { ActivityItem } from "@/api/types";


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
  const thisOne = about.kind === "folder" ? i18n.t("this folder") : i18n.t("this file");
  return groups(withoutRepeats(items), about).map((group) => {
    const [first] = group as [ActivityItem];
    const entry = { id: first.id, who: whoOf(first, me), at: first.at };
    if (group.length > 1) {
      const names = [...new Set(group.map((item) => item.name))];
      const rest = names.length - NAMES_SHOWN;
      const listed = names.slice(0, NAMES_SHOWN).join(", ");
      return {
        ...entry,
        did: sentence(first, i18n.t("{count, plural, one {# item} other {# items}}", { count: group.length }), false),
        more: rest > 0 ? i18n.t("{listed} and {rest, plural, one {# other} other {# others}}", { listed, rest }) : listed,
      };
    }
    const itself = first.file_id === about.id;
    return {
      ...entry,
      did: sentence(first, itself ? thisOne : i18n.t("“{name}”", { name: first.name }), itself),
      more: moreOf(first),
    };
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

function whoOf({ actor, type, device }: ActivityItem, me: string): string {
  if (!actor && device) return i18n.t("A visitor");
  if (!actor) return type === "purged" ? i18n.t("The retention policy") : i18n.t("Someone");
  return actor.id === me ? i18n.t("You") : (actor.name ?? i18n.t("Someone"));
}

const ROLES = { viewer: /*i18n*/ "can view", editor: /*i18n*/ "can edit" };

function sentence(item: ActivityItem, what: string, itself: boolean): string {
  switch (item.type) {
    case "created":
      return itself ? i18n.t("created {what}", { what }) : i18n.t("added {what}", { what });
    case "modified":
      return item.version && itself
        ? i18n.t("saved version {version}", { version: item.version })
        : i18n.t("changed {what}", { what });
    case "renamed":
      return itself
        ? i18n.t("renamed it from “{before}” to “{name}”", { before: item.previous_name, name: item.name })
        : i18n.t("renamed “{before}” to {what}", { before: item.previous_name, what });
    case "moved":
      return item.from && item.to
        ? i18n.t("moved {what} from {from} to {to}", { what, from: item.from, to: item.to })
        : i18n.t("moved {what}", { what });
    case "tagged":
      return i18n.t("changed the tags of {what}", { what });
    case "described":
      return i18n.t("changed the metadata of {what}", { what });
    case "deleted":
      return i18n.t("moved {what} to the trash", { what });
    case "restored":
      return i18n.t("restored {what} from the trash", { what });
    case "purged":
      return i18n.t("deleted {what} forever", { what });
    case "shared":
      return i18n.t("shared {what} with {email} ({role})", {
        what,
        email: item.email,
        role: i18n.t(ROLES[item.role ?? "viewer"]),
      });
    case "unshared":
      return i18n.t("stopped sharing {what} with {email}", { what, email: item.email });
    case "link_created":
      return i18n.t("created a link to {what}", { what });
    case "link_revoked":
      return i18n.t("revoked a link to {what}", { what });
  }
}

function moreOf(item: ActivityItem): string {
  if (item.type === "tagged") return item.tags?.length ? item.tags.join(", ") : i18n.t("All tags removed");
  if (item.type === "moved" && item.previous_name) return i18n.t("It was called “{name}”", { name: item.previous_name });
  if (!item.device) return "";
  // Of a visitor of a link it is "by link NAME".
  if (!item.actor) return item.device.charAt(0).toUpperCase() + item.device.slice(1);
  return i18n.t("On {device}", { device: item.device });
}
