/** Webhooks and other targets for changes of a file. */
import { i18n } from "@lingui/core";
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
  label: /*i18n*/ "Role",
  placeholder: "arn:aws:iam::123456789012:role/docstore",
  hint: /*i18n*/ "ARN of a role that DocStore can assume, with your account ID as its external ID. Yours is {id}.",
  optional: true,
};

export const TARGET_KINDS: [TargetKind, ...TargetKind[]] = [
  {
    id: "webhook",
    label: /*i18n*/ "Webhook",
    channel: "webhook",
    about: /*i18n*/ "Signed and retried until delivered.",
    fields: [{ name: "url", label: "URL", placeholder: "https://example.org/hooks/docstore" }],
  },
  {
    id: "text",
    label: /*i18n*/ "Text message",
    channel: "sns",
    about: /*i18n*/ "Sends a text message to a phone.",
    fields: [
      {
        name: "phone_number",
        label: /*i18n*/ "Phone number",
        placeholder: "+6421234567",
        hint: /*i18n*/ "In international format.",
      },
    ],
  },
  {
    id: "sns",
    label: /*i18n*/ "Amazon SNS topic",
    channel: "sns",
    about: /*i18n*/ "Publishes each change to the topic.",
    fields: [
      { name: "topic_arn", label: /*i18n*/ "Topic", placeholder: "arn:aws:sns:us-west-2:123456789012:changes" },
      ROLE,
    ],
  },
  {
    id: "sqs",
    label: /*i18n*/ "Amazon SQS queue",
    channel: "sqs",
    about: /*i18n*/ "Sends each change to the queue.",
    fields: [
      {
        name: "queue",
        label: /*i18n*/ "Queue",
        placeholder: "arn:aws:sqs:us-west-2:123456789012:changes",
        hint: /*i18n*/ "Its ARN or URL.",
      },
      ROLE,
    ],
  },
  {
    id: "eventbridge",
    label: /*i18n*/ "Amazon EventBridge bus",
    channel: "eventbridge",
    about: /*i18n*/ "Puts each change on the bus as an event.",
    fields: [
      {
        name: "bus",
        label: /*i18n*/ "Bus",
        placeholder: "arn:aws:events:us-west-2:123456789012:event-bus/documents",
        hint: /*i18n*/ "Its ARN or name.",
      },
      {
        name: "region",
        label: /*i18n*/ "Region",
        placeholder: "us-west-2",
        hint: /*i18n*/ "Required for a name.",
        optional: true,
      },
      ROLE,
    ],
  },
];

export type FollowedChange = "created" | "modified" | "moved" | "deleted" | "restored" | "tagged" | "shared" | "unshared" | "link_opened";

export const CHANGES: { id: FollowedChange; label: string; usual: boolean; owners?: true }[] = [
  { id: "created", label: /*i18n*/ "Added", usual: true },
  { id: "modified", label: /*i18n*/ "Changed", usual: true },
  { id: "moved", label: /*i18n*/ "Renamed or moved", usual: true },
  { id: "deleted", label: /*i18n*/ "Moved to the trash", usual: true },
  { id: "restored", label: /*i18n*/ "Restored", usual: true },
  { id: "tagged", label: /*i18n*/ "Tagged", usual: false },
  { id: "shared", label: /*i18n*/ "Shared", usual: false, owners: true },
  { id: "unshared", label: /*i18n*/ "No longer shared", usual: false, owners: true },
  { id: "link_opened", label: /*i18n*/ "A link was opened", usual: false, owners: true },
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
    if (said) flaws[name] = said.startsWith(`${name} `) ? i18n.t(label) + said.slice(name.length) : said;
  }
  return flaws;
}

/** Where it leads to: of its fields the one that is no more about how. */
export const addressOf = ({ target }: Pick<Subscription, "target">): string | undefined =>
  Object.entries(target ?? {}).find(([name]) => name !== "role_arn" && name !== "region")?.[1];

export function labelOf({ channel, target }: Pick<Subscription, "channel" | "target">): string {
  const isPhone = channel === "sns" && target?.phone_number !== undefined;
  const kind = TARGET_KINDS.find(({ id }) => id === (isPhone ? "text" : channel));
  return kind ? i18n.t(kind.label) : channel;
}
