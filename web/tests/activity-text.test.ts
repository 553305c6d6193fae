import { describe, expect, test } from "vitest";
import { fieldErrors, Problem } from "@/api/problem";
import type { ActivityItem } from "@/api/types";
import { activityEntries } from "@/details/activity-text";
import { addressOf, flawsOf, labelOf, TARGET_KINDS, targetOf } from "@/following/targets";

const START = Date.parse("2026-05-01T12:00:00Z");
const FOLDER = { id: "folder", kind: "folder" } as const;

/** Things that happened, the latest first, a minute apart. */
function happened(...wishes: Partial<ActivityItem>[]): ActivityItem[] {
  return wishes.map((wish, index) => ({
    id: String(index),
    at: new Date(START - index * 60_000).toISOString(),
    type: "created",
    file_id: `f${index}`,
    name: `file ${index}`,
    actor: { id: "ada", name: "Ada" },
    ...wish,
  }));
}

const sentences = (items: ActivityItem[], about: Parameters<typeof activityEntries>[1] = FOLDER) =>
  activityEntries(items, about, "me").map(({ who, did }) => `${who} ${did}`);

describe("activity", () => {
  test("of a file itself is told in its own words", () => {
    const items = happened(
      { type: "moved", from: "/a", to: "/b" },
      { type: "renamed", previous_name: "old.txt", name: "new.txt" },
      { type: "modified", version: 3, device: "laptop" },
      { type: "shared", email: "bob@example.org", role: "editor", actor: { id: "me", name: "Me" } },
      { type: "deleted", actor: null },
    ).map((item) => ({ ...item, file_id: "f" }));
    expect(sentences(items, { id: "f", kind: "file" })).toEqual([
      "Ada moved this file from /a to /b",
      "Ada renamed it from “old.txt” to “new.txt”",
      "Ada saved version 3",
      "You shared this file with bob@example.org (can edit)",
      "Someone moved this file to the trash",
    ]);
  });

  test("a share that is recorded again unchanged is shown once, one with another role or after an end again", () => {
    const share = (wish: Partial<ActivityItem>): Partial<ActivityItem> => ({ file_id: "folder", email: "bob@example.org", type: "shared", ...wish });
    const items = happened(
      share({ role: "viewer" }),
      share({ type: "unshared", role: "viewer" }),
      share({ role: "viewer" }),
      share({ role: "editor" }),
      share({ role: "editor" }),
    );
    expect(activityEntries(items, FOLDER, "me").map(({ id }) => id)).toEqual(["0", "1", "2", "4"]);
  });

  test("what one person did to many files of a folder is one sentence with some of their names", () => {
    const [told, ...rest] = activityEntries(happened({}, {}, {}, {}, {}), FOLDER, "me");
    expect([told?.did, told?.more, rest]).toEqual(["added 5 items", "file 0, file 1, file 2 and 2 others", []]);
  });

  test("another person, another deed, the same file again, and a pause begin a new sentence", () => {
    expect(sentences(happened({}, { actor: { id: "me", name: "Me" } }))).toHaveLength(2);
    expect(sentences(happened({}, { type: "deleted" }))).toHaveLength(2);
    expect(sentences(happened({ type: "modified" }, { type: "modified", file_id: "f0" }))).toHaveLength(2);
    expect(sentences(happened({}, { at: new Date(START - 3_600_000).toISOString() }))).toHaveLength(2);
    expect(sentences(happened({ file_id: "folder" }, {}))).toEqual(["Ada created this folder", "Ada added “file 1”"]);
  });
});

describe("following by other systems", () => {
  const [webhook] = TARGET_KINDS;
  const text = TARGET_KINDS.find(({ id }) => id === "text") ?? webhook;

  test("only what belongs to the kind and was filled in is sent", () => {
    expect(targetOf(text, { phone_number: " +6421234567 ", url: "https://e.org" })).toEqual({ phone_number: "+6421234567" });
    expect(targetOf(webhook, { url: " " })).toEqual({});
  });

  test("what the API finds wrong is said of the field it is about, by its label", () => {
    const errors = [{ field: "body.target.phone_number", message: "phone_number must be in international form." }];
    const refused = new Problem(422, "invalid_target", "no", { errors });
    expect(flawsOf(text, fieldErrors(refused))).toEqual({ phone_number: "Phone number must be in international form." });
    expect(flawsOf(webhook, fieldErrors(refused))).toEqual({});
    expect(fieldErrors(new Problem(409, "too_many_subscriptions", "no"))).toEqual({});
  });

  test("a topic is told from a phone", () => {
    expect(labelOf({ channel: "sns", target: { phone_number: "+6421234567" } })).toBe("Text message");
    expect(labelOf({ channel: "sns", target: { topic_arn: "arn:aws:sns:us-west-2:1:t" } })).toBe("Amazon SNS topic");
    expect(labelOf({ channel: "webhook", target: { url: "https://e.org" } })).toBe("Webhook");
  });

  test("where it leads to is shown, whatever the field is called", () => {
    expect(addressOf({ target: { role_arn: "arn:aws:iam::1:role/r", bus: "changes", region: "eu-west-1" } })).toBe("changes");
    expect(addressOf({ target: null })).toBeUndefined();
  });
});
