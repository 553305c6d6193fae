/** Webhooks and other targets for changes of a file. */
import type { Subscription } from "@/api/types";

interface TargetField {
  /** As the API calls it. */
  name: string;
  label: string;
  placeholder: string;
  hint?: string;
  optional?: true;
}

export interface TargetKind {
  id: string;
  label: string;
  channel: Subscription["channel"];
  about: string;
  fields: TargetField[];
}

const ROLE: TargetField = {
  name: "role_arn",
  label: "Role",
  placeholder: "arn:aws:iam::123456789012:role/docstore",
  hint: "ARN of a role that DocStore can assume, with your account ID as its external ID.",
  optional: true,
};

export const TARGET_KINDS: [TargetKind, ...TargetKind[]] = [
  {
    id: "webhook",
    label: "Webhook",
    channel: "webhook",
    about: "Signed and retried until delivered.",
    fields: [{ name: "url", label: "URL", placeholder: "https://example.org/hooks/docstore" }],
  },
  {
    id: "text",
    label: "Text message",
    channel: "sns",
    about: "Sends a text message to a phone.",
    fields: [{ name: "phone_number", label: "Phone number", placeholder: "+6421234567", hint: "In international format." }],
  },
  {
    id: "sns",
    label: "Amazon SNS topic",
    channel: "sns",
    about: "Publishes each change to the topic.",
    fields: [{ name: "topic_arn", label: "Topic", placeholder: "arn:aws:sns:us-west-2:123456789012:changes" }, ROLE],
  },
  {
    id: "sqs",
    label: "Amazon SQS queue",
    channel: "sqs",
    about: "Sends each change to the queue.",
    fields: [
      { name: "queue", label: "Queue", placeholder: "arn:aws:sqs:us-west-2:123456789012:changes", hint: "Its ARN or URL." },
      ROLE,
    ],
  },
  {
    id: "eventbridge",
    label: "Amazon EventBridge bus",
    channel: "eventbridge",
    about: "Puts each change on the bus as an event.",
    fields: [
      { name: "bus", label: "Bus", placeholder: "arn:aws:events:us-west-2:123456789012:event-bus/documents", hint: "Its ARN or name." },
      { name: "region", label: "Region", placeholder: "us-west-2", hint: "Required for a name.", optional: true },
      ROLE,
    ],
  },
];

export type FollowedChange = "created" | "modified" | "moved" | "deleted" | "restored" | "tagged" | "shared" | "unshared" | "link_opened";

export const CHANGES: { id: FollowedChange; label: string; usual: boolean; owners?: true }[] = [
  { id: "created", label: "Added", usual: true },
  { id: "modified", label: "Changed", usual: true },
  { id: "moved", label: "Renamed or moved", usual: true },
  { id: "deleted", label: "Moved to the trash", usual: true },
  { id: "restored", label: "Restored", usual: true },
  { id: "tagged", label: "Tagged", usual: false },
  { id: "shared", label: "Shared", usual: false, owners: true },
  { id: "unshared", label: "No longer shared", usual: false, owners: true },
  { id: "link_opened", label: "A link was opened", usual: false, owners: true },
];

/** What the API takes as `target`: the fields of this kind that were filled in. */
export function targetOf(kind: TargetKind, values: Record<string, string>): Record<string, string> {
  const filled = kind.fields.map(({ name }) => [name, (values[name] ?? "").trim()]);
  return Object.fromEntries(filled.filter(([, value]) => value));
}

/** Error by field, from the API's `phone_number must be ...`. */
export function flawsOf(kind: TargetKind, errors: Record<string, string>): Record<string, string> {
  const flaws: Record<string, string> = {};
  for (const { name, label } of kind.fields) {
    const said = errors[name];
    if (said) flaws[name] = said.startsWith(`${name} `) ? label + said.slice(name.length) : said;
  }
  return flaws;
}

/** Where it leads to: of its fields the one that is no more about how. */
export const addressOf = ({ target }: Pick<Subscription, "target">): string | undefined =>
  Object.entries(target ?? {}).find(([name]) => name !== "role_arn" && name !== "region")?.[1];

export function labelOf({ channel, target }: Pick<Subscription, "channel" | "target">): string {
  const isPhone = channel === "sns" && target?.phone_number !== undefined;
  return TARGET_KINDS.find((kind) => (isPhone ? kind.id === "text" : kind.id === channel))?.label ?? channel;
}
