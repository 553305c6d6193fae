/** Names for the generated response types of schema.d.ts. */
import type { components } from "@/api/schema";

type Schemas = components["schemas"];

export type FileItem = Schemas["File"];
export type Photo = Schemas["Photo"];
export type TrashedFile = Schemas["TrashedFile"];
export type ShareInvitation = Schemas["ShareInvitation"];
export type BlockedPerson = Schemas["BlockedPerson"];
export type ReceivedFile = Schemas["SharedFile"];
export type FileMedia = Schemas["Media"];
export type FileVersion = Schemas["Version"];
export type ActivityItem = Schemas["Activity"];
export type Change = Schemas["Change"];
export type Share = Schemas["Share"];
export type FileLink = Schemas["Link"];
export type AccessLink = Schemas["AccessLink"];
export type SavedSearch = Schemas["SavedSearch"];
export type SearchHit = Schemas["SearchHit"];

export type Account = Schemas["Account"];
export type Plan = Account["plan"];
export type Me = Schemas["Me"];
export type Usage = Schemas["Usage"];
export type Retention = Schemas["Retention"];
export type Languages = Schemas["Languages"];
export type RetentionPolicy = Schemas["RetentionPolicy"];
export type DeviceSession = Schemas["Session"];
export type ApiToken = Schemas["ApiToken"];

export type Notice = Schemas["Notification"];
export type Subscription = Schemas["Subscription"];
export type Preferences = Record<string, Schemas["Preference"]>;

export type Upload = Schemas["Upload"];
export type PartUrl = Schemas["PartUrl"];
/** A refusal because of the quota contains how much is used. */
export type ItemProblem = { problem: Schemas["Problem"] & { usage?: Usage } };

/** One route has all reports: the form of a response depends on the name of the report. */
export type Series = Schemas["SeriesReport"];
export type TopReport = Schemas["TopReport"];

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

/** The gateway's own response to the page, which no other client gets: tokens stay in cookies. */
export interface WebSession {
  account: Account;
  expires_in: number;
  csrf_token: string;
}
