/** Account settings: profile, plan, devices, notifications. */
import { useQuery } from "@tanstack/react-query";
import { Laptop } from "lucide-react";
import { useState } from "react";
import { call } from "@/api/client";
import { reason } from "@/api/problem";
import { keys, queryClient, useAccount } from "@/api/queries";
import type { DeviceSession, Plan, Preferences } from "@/api/types";
import { moment, size, when } from "@/lib/format";
import { Link } from "@/lib/router";
import { useTitle } from "@/lib/title";
import { LanguagesSection } from "@/settings/LanguagesSection";
import { PhoneSection, usePhone } from "@/settings/PhoneSection";
import { PushSection } from "@/settings/PushSection";
import { RetentionSection } from "@/settings/RetentionSection";
import { SharingSection } from "@/settings/SharingSection";
import { StorageSection } from "@/settings/StorageSection";
import { attempt } from "@/ui/attempt";
import { Field, Switch } from "@/ui/field";
import { Failed, Spinner } from "@/ui/states";
import { toast } from "@/ui/toasts";

const SECTIONS = [
  { id: "profile", label: "Profile" },
  { id: "plan", label: "Plan and usage" },
  { id: "storage", label: "Storage" },
  { id: "retention", label: "Trash and versions" },
  { id: "sharing", label: "Sharing" },
  { id: "languages", label: "Languages" },
  { id: "devices", label: "Devices" },
  { id: "notifications", label: "Notifications" },
];

export default function SettingsPage({ section }: { section: string }) {
  const here = SECTIONS.find(({ id }) => id === section) ?? SECTIONS[0];
  useTitle(here?.label);
  return (
    <section className="settings" aria-label="Settings">
      <div className="page-head">
        <h1>Settings</h1>
      </div>
      <nav className="subnav" aria-label="Settings">
        {SECTIONS.map(({ id, label }) => (
          <Link key={id} href={`/settings/${id}`} aria-current={here?.id === id ? "page" : undefined}>
            {label}
          </Link>
        ))}
      </nav>
      <div className="settings-body">
        {here?.id === "profile" && <Profile />}
        {here?.id === "plan" && <PlanAndUsage />}
        {here?.id === "storage" && <StorageSection />}
        {here?.id === "retention" && <RetentionSection />}
        {here?.id === "sharing" && <SharingSection />}
        {here?.id === "languages" && <LanguagesSection />}
        {here?.id === "devices" && <Devices />}
        {here?.id === "notifications" && <PushSection />}
        {here?.id === "notifications" && <PhoneSection />}
        {here?.id === "notifications" && <Notifications />}
      </div>
    </section>
  );
}

function Profile() {
  const account = useAccount();
  const [name, setName] = useState(account.display_name);
  const [current, setCurrent] = useState("");
  const [password, setPassword] = useState("");
  const refresh = () => queryClient.invalidateQueries({ queryKey: keys.me });
  return (
    <>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const body = { display_name: name.trim() };
          void attempt(() => call("patch /v1/me", { body }), "Name saved.").then(refresh);
        }}
      >
        <h2>Profile</h2>
        <Field label="Email" value={account.email} readOnly />
        <Field label="Name" value={name} autoComplete="name" onChange={(event) => setName(event.target.value)} />
        <button className="button primary" type="submit">
          Save
        </button>
      </form>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const body = { current_password: current, password };
          void attempt(
            () => call("patch /v1/me", { body }),
            "Password changed. Your other devices have been logged out.",
          ).then((changed) => {
            if (!changed) return;
            setCurrent("");
            setPassword("");
          });
        }}
      >
        <h2>Password</h2>
        <Field
          label="Current password"
          type="password"
          required
          autoComplete="current-password"
          value={current}
          onChange={(event) => setCurrent(event.target.value)}
        />
        <Field
          label="New password"
          type="password"
          required
          minLength={8}
          autoComplete="new-password"
          hint="At least 8 characters. Your other devices are logged out."
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        <button className="button" type="submit">
          Change password
        </button>
      </form>
    </>
  );
}

const PLANS: { id: Plan; name: string; storage: string; points: string[] }[] = [
  { id: "free", name: "Free", storage: "5 GB", points: ["Search by name, tags and dates", "All versions of your files", "Sharing and links"] },
  {
    id: "premium",
    name: "Premium",
    storage: "20 GB",
    points: ["Everything in Free", "Full-text search", "Text recognition in scans and images"],
  },
];

function PlanAndUsage() {
  const account = useAccount();
  const { usage } = account;
  async function choose(plan: Plan): Promise<void> {
    await attempt(() => call("put /v1/me/plan", { body: { plan } }), `You’re now on the ${plan} plan.`);
    await queryClient.invalidateQueries({ queryKey: keys.me });
  }
  return (
    <>
      <div>
        <h2>Storage</h2>
        <p>
          {size(usage.used)} of {size(usage.limit)} used
          {usage.reserved > 0 && `, ${size(usage.reserved)} being uploaded`}
        </p>
        <progress className="wide-progress" max={usage.limit || 1} value={Math.min(usage.used, usage.limit)} aria-label="Storage used" />
        <p className="muted">Older versions and the trash count.</p>
      </div>
      <div className="plans">
        {PLANS.map((plan) => {
          const mine = account.plan === plan.id;
          return (
            <article key={plan.id} className={mine ? "plan mine" : "plan"}>
              <h2>{plan.name}</h2>
              <p className="plan-storage">{plan.storage}</p>
              <ul>
                {plan.points.map((point) => (
                  <li key={point}>{point}</li>
                ))}
              </ul>
              {mine || account.self_service_plans ? (
                <button className={mine ? "button" : "button primary"} disabled={mine} onClick={() => void choose(plan.id)}>
                  {mine ? "Your plan" : plan.id === "free" ? "Downgrade" : "Upgrade"}
                </button>
              ) : (
                <p className="muted">Ask your administrator to change your plan.</p>
              )}
            </article>
          );
        })}
      </div>
    </>
  );
}

function Devices() {
  const key = ["sessions"];
  const sessions = useQuery({ queryKey: key, queryFn: () => call("get /v1/sessions", { query: { limit: 100 } }) });
  if (sessions.error) return <Failed error={sessions.error} onRetry={() => void sessions.refetch()} />;
  if (!sessions.data) return <Spinner />;
  async function end(session: DeviceSession): Promise<void> {
    const path = { session_id: session.id };
    await attempt(() => call("delete /v1/sessions/{session_id}", { path }), `Logged out “${session.device_name}”.`);
    await queryClient.invalidateQueries({ queryKey: key });
  }
  return (
    <div>
      <h2>Devices</h2>
      <ul className="people">
        {sessions.data.items.map((session) => (
          <li key={session.id}>
            <Laptop size={20} aria-hidden="true" />
            <span className="person">
              {session.device_name || "Unknown device"}
              {session.current && <span className="tag">This device</span>}
              <span className="muted">
                Used {when(session.last_used_at)} · logged in {moment(session.created_at)}
              </span>
            </span>
            {!session.current && (
              <button className="button" onClick={() => void end(session)}>
                Log out
              </button>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}

const KINDS: Record<string, string> = {
  upload_done: "Upload complete",
  file_changed: "Changes to files you follow",
  shared_with_you: "Shared with me",
  link_opened: "Link opened",
  link_expiring: "Link expiring soon",
  content_retrieved: "Retrieved from cold storage",
  new_device: "New device login",
  quota_exceeded: "Storage full",
  quota_restored: "Storage available again",
  subscription_disabled: "Webhook or queue disabled",
};

/** The switches of a kind, by channel. A text message needs a verified phone, and is for critical news only. */
const CHANNELS: Record<keyof Preferences[string], string> = { sms: "SMS", in_app: "In-app", email: "Email", push: "Push" };

export function Notifications() {
  const key = ["preferences"];
  const preferences = useQuery({ queryKey: key, queryFn: () => call("get /v1/notifications/preferences") });
  const phone = usePhone();
  if (preferences.error) return <Failed error={preferences.error} onRetry={() => void preferences.refetch()} />;
  const chosen = preferences.data;
  if (!chosen) return <Spinner />;
  const channels = (Object.keys(CHANNELS) as (keyof typeof CHANNELS)[]).filter((channel) => channel !== "sms" || phone.data?.verified);
  async function change(kind: string, preference: Preferences[string]): Promise<void> {
    const next = { ...chosen, [kind]: preference };
    queryClient.setQueryData(key, next);
    try {
      await call("put /v1/notifications/preferences", { body: next });
    } catch (error) {
      toast(reason(error), { tone: "error" });
    }
    await queryClient.invalidateQueries({ queryKey: key });
  }
  return (
    <div>
      <h2>Notifications</h2>
      <ul className="preferences">
        {Object.entries(chosen).map(([kind, preference]) => (
          <li key={kind}>
            <span id={`kind-${kind}`}>{KINDS[kind] ?? kind}</span>
            {channels.map((channel) => (
              preference[channel] !== undefined && (
                <Switch
                  key={channel}
                  label={CHANNELS[channel]}
                  aria-describedby={`kind-${kind}`}
                  checked={preference[channel]}
                  onChange={(event) => void change(kind, { ...preference, [channel]: event.target.checked })}
                />
              )
            ))}
          </li>
        ))}
      </ul>
    </div>
  );
}
