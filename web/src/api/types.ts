/** What the API answers. The requests' types are generated from its description; see schema.d.ts. */

export type Permission = "owner" | "editor" | "viewer";
export type Plan = "free" | "premium";

export interface FileItem {
  id: string;
  kind: "file" | "folder";
  name: string;
  path: string;
  parent_id: string | null;
  size: number;
  content_type: string | null;
  sha256: string | null;
  version: number;
  tags: string[];
  owner_id: string;
  /** Names are with a file that was asked for by itself, and with what is shared; not in folders and changes. */
  owner_name?: string | null;
  permission: Permission;
  created_at: string;
  modified_at: string;
  modified_by: string;
  modified_by_name?: string | null;
  etag: string;
  indexed: boolean;
  preview: boolean;
}

export interface TrashedFile extends FileItem {
  trashed_at: string;
  /** When it goes for good, then or a little later; null: never. */
  expires_at: string | null;
}

/** How long what is no longer needed is kept; null is for ever. */
export interface RetentionPolicy {
  trash_days: number | null;
  versions: number;
  version_days: number | null;
}

export interface Retention extends RetentionPolicy {
  is_default: boolean;
  /** When the last choice takes effect; null: it has. */
  applies_at: string | null;
  most: RetentionPolicy;
}

export interface ReceivedFile extends FileItem {
  share: { id: string; role: "viewer" | "editor"; owner_id: string; owner_name: string | null; shared_at: string };
}

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

export interface Usage {
  used: number;
  reserved: number;
  limit: number;
  over_quota: boolean;
}

export interface Account {
  id: string;
  email: string;
  display_name: string;
  plan: Plan;
  role: "user" | "admin";
  status: "active" | "suspended";
  home_region: string;
  created_at: string;
}

export type Me = Account & { usage: Usage };

export interface DeviceSession {
  id: string;
  device_name: string;
  created_at: string;
  last_used_at: string;
  expires_at: string;
  current: boolean;
}

export interface FileVersion {
  version: number;
  size: number;
  content_type: string | null;
  sha256: string | null;
  created_at: string;
  created_by: string;
  created_by_name: string | null;
  device: string;
  restored_from: number | null;
  current: boolean;
}

export interface ActivityItem {
  id: string;
  at: string;
  type:
    | "created" | "modified" | "renamed" | "moved" | "tagged" | "deleted" | "restored" | "purged"
    | "shared" | "unshared" | "link_created" | "link_revoked";
  file_id: string;
  name: string;
  actor: { id: string; name: string | null } | null;
  version?: number;
  device?: string | null;
  previous_name?: string;
  tags?: string[];
  from?: string;
  to?: string;
  email?: string;
  role?: "viewer" | "editor";
}

export interface Share {
  id: string;
  file_id: string;
  email: string;
  role: "viewer" | "editor";
  state: "pending" | "active";
  created_at: string;
}

export interface FileLink {
  id: string;
  file_id: string;
  name: string;
  has_password: boolean;
  expires_at: string | null;
  max_downloads: number | null;
  downloads: number;
  opens: number;
  created_at: string;
}

export type NewFileLink = FileLink & { token: string; url: string };

export interface SearchHit {
  file: FileItem;
  score: number;
  snippet: string | null;
}

export type SearchAnswer = Page<SearchHit> & { total: number; mode: "name" | "fulltext" };

export interface Notice {
  id: string;
  kind: string;
  created_at: string;
  read: boolean;
  title: string;
  items: Record<string, string | number | boolean>[];
  more: number;
  file_id: string | null;
}

export type NoticePage = Page<Notice> & { unread: number };

export interface Subscription {
  id: string;
  file_id: string;
  channel: string;
  /** As it was entered. */
  target: Record<string, string> | null;
  events: string[];
  state: "active" | "disabled";
  disabled_reason: string | null;
  created_at: string;
  secret?: string;
}

export type Preferences = Record<string, { email: boolean; in_app: boolean }>;

export interface PartUrl {
  number: number;
  size: number;
  url: string;
}

export interface Upload {
  id: string;
  state: "initiated" | "uploading" | "completed" | "expired" | "aborted";
  method: "form" | "put" | "multipart" | "credentials";
  path: string;
  size: number;
  created_at: string;
  expires_at: string;
  file?: FileItem;
  problem?: { status: number; code: string; detail: string };
  put?: { url: string; headers: Record<string, string> };
  multipart?: {
    part_size: number;
    part_count: number;
    parts: PartUrl[];
    sent: { number: number; etag: string; size: number }[];
  };
}

export interface ItemProblem {
  problem: { status: number; code: string; detail: string; usage?: Usage };
}

export interface WebSession {
  account: Account;
  expires_in: number;
  csrf_token: string;
}

export interface Change {
  seq: number;
  type: "created" | "modified" | "moved" | "deleted" | "restored" | "shared" | "unshared";
  file: FileItem;
}

export interface Overview {
  accounts: number;
  documents: number;
  bytes: number;
  average_document_bytes: number;
  by_plan: Record<Plan, { accounts: number; documents: number; bytes: number }>;
}

export interface Series {
  times: string[];
  series: { name: string; values: number[] }[];
  unit: string;
}

export interface TopFile {
  file_id: string;
  name: string | null;
  shares: number;
  links: number;
  opens: number;
  downloads: number;
}

export interface AuditEntry {
  number: number;
  at: string;
  kind: string;
  action: string;
  account_id: string | null;
  object_id: string | null;
  status: number | null;
  client: string | null;
  detail: unknown;
}

export interface AuditCheck {
  checked: number;
  next_after: number | null;
  broken: { number: number; reason: string; detail: string } | null;
}

export interface HealthReport {
  status: string;
  at: string;
  services: ({ name: string; status: string; failed: Record<string, string> } & Record<string, unknown>)[];
}

/** What each route answers that the page calls. */
export interface Answers {
  "get /v1/me": Me;
  "patch /v1/me": Account;
  "put /v1/me/plan": Account;
  "post /v1/accounts": Account;
  "post /v1/password-resets": { accepted: true };
  "post /v1/password-resets/confirm": undefined;
  "post /v1/admin/accounts/{account_id}/password-resets": { url: string; token: string; expires_at: string };
  "get /v1/sessions": Page<DeviceSession>;
  "delete /v1/sessions/{session_id}": undefined;
  "get /v1/files": Page<FileItem>;
  "get /v1/files/by-path": FileItem;
  "get /v1/files/{file_id}": FileItem;
  "patch /v1/files/{file_id}": FileItem;
  "delete /v1/files/{file_id}": undefined;
  "post /v1/files/{file_id}/copy": FileItem;
  "post /v1/files/{file_id}/restore": FileItem;
  "post /v1/folders": FileItem;
  "get /v1/activity": Page<ActivityItem>;
  "get /v1/me/retention": Retention;
  "put /v1/me/retention": Retention;
  "delete /v1/me/retention": Retention;
  "get /v1/trash": Page<TrashedFile>;
  "delete /v1/trash/{file_id}": undefined;
  "get /v1/files/{file_id}/versions": Page<FileVersion>;
  "post /v1/files/{file_id}/versions/{number}/restore": FileItem;
  "get /v1/files/{file_id}/shares": Page<Share>;
  "post /v1/files/{file_id}/shares": Share;
  "patch /v1/files/{file_id}/shares/{share_id}": Share;
  "delete /v1/files/{file_id}/shares/{share_id}": undefined;
  "get /v1/files/{file_id}/links": Page<FileLink>;
  "post /v1/files/{file_id}/links": NewFileLink;
  "delete /v1/files/{file_id}/links/{link_id}": undefined;
  "get /v1/shared-with-me": Page<ReceivedFile>;
  "get /v1/search": SearchAnswer;
  "get /v1/notifications": NoticePage;
  "post /v1/notifications/read": { unread: number };
  "get /v1/notifications/preferences": Preferences;
  "put /v1/notifications/preferences": Preferences;
  "get /v1/subscriptions": Page<Subscription>;
  "post /v1/subscriptions": Subscription;
  "patch /v1/subscriptions/{subscription_id}": Subscription;
  "delete /v1/subscriptions/{subscription_id}": undefined;
  "post /v1/subscriptions/{subscription_id}/test": { state: "sent" | "pending" | "failed"; status: number | null; detail: string };
  "get /v1/uploads": Page<Upload>;
  "post /v1/uploads": Upload;
  "get /v1/uploads/{upload_id}": Upload;
  "delete /v1/uploads/{upload_id}": undefined;
  "post /v1/uploads/{upload_id}/complete": FileItem;
  "post /v1/uploads/{upload_id}/parts": { parts: PartUrl[] };
  "post /v1/uploads/batch": { items: (Upload | ItemProblem)[] };
  "post /v1/uploads/complete-batch": { items: (FileItem | ItemProblem)[] };
  "get /v1/admin/overview": Overview;
  "get /v1/admin/accounts": Page<Account>;
  "patch /v1/admin/accounts/{account_id}": Account;
  "get /v1/admin/reports/{name}": Partial<Series> & { items?: TopFile[] };
  "get /v1/admin/audit": Page<AuditEntry>;
  "get /v1/admin/audit/verify": AuditCheck;
  "get /v1/admin/health": HealthReport;
  "get /v1/admin/dead-letters": Page<Record<string, unknown>>;
  "post /v1/admin/dead-letters/{letter_id}/replay": { replayed: number; error: string };
  "delete /v1/admin/dead-letters/{letter_id}": undefined;
}
