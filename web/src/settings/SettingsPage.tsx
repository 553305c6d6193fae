/** Account settings: profile, plan, devices, notifications. */
import { i18n } from "@lingui/core";
import { useQuery } from "@tanstack/react-query";
import { Laptop } from "lucide-react";
import { useState } from "react";
import { call } from "@/api/client";
import { keys, queryClient, useAccount } from "@/api/queries";
import type { DeviceSession, Preferences } from "@/api/types";
import { moment, when } from "@/lib/format";
import { Link } from "@/lib/router";
import { useTitle } from "@/lib/title";
import { LanguagesSection } from "@/settings/LanguagesSection";
import { PageLanguage } from "@/settings/PageLanguage";
import { PhoneSection, usePhone } from "@/settings/PhoneSection";
import { PlanSection } from "@/settings/PlanSection";
import { PushSection } from "@/settings/PushSection";
import { RetentionSection } from "@/settings/RetentionSection";
import { SharingSection } from "@/settings/SharingSection";
import { StorageSection } from "@/settings/StorageSection";
import { TokensSection } from "@/settings/TokensSection";
import { TrustLink } from "@/settings/TrustLink";
import { attempt } from "@/ui/attempt";
import { Field, Switch } from "@/ui/field";
import { Form } from "@/ui/form";
import { Failed, Spinner } from "@/ui/states";

const SECTIONS = [
  { id: "profile", label: /*i18n*/ "Profile" },
  { id: "plan", label: /*i18n*/ "Plan and usage" },
  { id: "storage", label: /*i18n*/ "Storage" },
  { id: "retention", label: /*i18n*/ "Trash and versions" },
  { id: "sharing", label: /*i18n*/ "Sharing" },
  { id: "languages", label: /*i18n*/ "Languages" },
  { id: "devices", label: /*i18n*/ "Devices" },
  { id: "tokens", label: /*i18n*/ "API tokens" },
  { id: "notifications", label: /*i18n*/ "Notifications" },
];

export default function SettingsPage({ section }: { section: string }) {
  const here = SECTIONS.find(({ id }) => id === section) ?? SECTIONS[0];
  useTitle(here && i18n.t(here.label));
  return (
    <section className="settings" aria-label={i18n.t("Settings")}>
      <div className="page-head">
        <h1>{i18n.t("Settings")}</h1>
      </div>
      <nav className="subnav" aria-label={i18n.t("Settings")}>
        {SECTIONS.map(({ id, label }) => (
          <Link key={id} href={`/settings/${id}`} aria-current={here?.id === id ? "page" : undefined}>
            {i18n.t(label)}
          </Link>
        ))}
      </nav>
      <div className="settings-body">
        {here?.id === "profile" && <Profile />}
        {here?.id === "plan" && <PlanSection />}
        {here?.id === "storage" && <StorageSection />}
        {here?.id === "retention" && <RetentionSection />}
        {here?.id === "sharing" && <SharingSection />}
        {here?.id === "languages" && <PageLanguage />}
        {here?.id === "languages" && <LanguagesSection />}
        {here?.id === "devices" && <Devices />}
        {here?.id === "devices" && <TrustLink />}
        {here?.id === "tokens" && <TokensSection />}
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
      <Form
        onSubmit={() => {
          const body = { display_name: name.trim() };
          void attempt(() => call("patch /v1/me", { body }), i18n.t("Name saved.")).then(refresh);
        }}
      >
        <h2>{i18n.t("Profile")}</h2>
        <Field label={i18n.t("Email")} value={account.email} readOnly />
        <Field label={i18n.t("Name")} value={name} autoComplete="name" onChange={(event) => setName(event.target.value)} />
        <button className="button primary" type="submit">
          {i18n.t("Save")}
        </button>
      </Form>
      <Form
        onSubmit={() => {
          const body = { current_password: current, password };
          void attempt(
            () => call("patch /v1/me", { body }),
            i18n.t("Password changed. Your other devices have been logged out."),
          ).then((changed) => {
            if (!changed) return;
            setCurrent("");
            setPassword("");
          });
        }}
      >
        <h2>{i18n.t("Password")}</h2>
        <Field
          label={i18n.t("Current password")}
          type="password"
          required
          autoComplete="current-password"
          value={current}
          onChange={(event) => setCurrent(event.target.value)}
        />
        <Field
          label={i18n.t("New password")}
          type="password"
          required
          minLength={8}
          autoComplete="new-password"
          hint={i18n.t("At least 8 characters. Your other devices are logged out; API tokens keep working.")}
          value={password}
          onChange={(event) => setPassword(event.target.value)}
        />
        <button className="button" type="submit">
          {i18n.t("Change password")}
        </button>
      </Form>
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
    await attempt(
      () => call("delete /v1/sessions/{session_id}", { path }),
      i18n.t("Logged out “{device_name}”.", { device_name: session.device_name }),
    );
    await queryClient.invalidateQueries({ queryKey: key });
  }
  return (
    <div>
      <h2>{i18n.t("Devices")}</h2>
      <ul className="people">
        {sessions.data.items.map((session) => (
          <li key={session.id}>
            <Laptop size={20} aria-hidden="true" />
            <span className="person">
              {session.device_name || i18n.t("Unknown device")}
              {session.current && <span className="tag">{i18n.t("This device")}</span>}
              <span className="muted">
                {i18n.t("Used {used} · logged in {at}", { used: when(session.last_used_at), at: moment(session.created_at) })}
              </span>
            </span>
            {!session.current && (
              <button className="button" onClick={() => void end(session)}>
                {i18n.t("Log out")}
              </button>
            )}
          </li>
        ))}
      </ul>
    </div>
  );
}

const KINDS: Record<string, string> = {
  upload_done: /*i18n*/ "Upload complete",
  file_changed: /*i18n*/ "Changes to files you follow",
  shared_with_you: /*i18n*/ "Shared with me",
  link_opened: /*i18n*/ "Link opened",
  link_expiring: /*i18n*/ "Link expiring soon",
  content_retrieved: /*i18n*/ "Retrieved from cold storage",
  new_device: /*i18n*/ "New device login",
  quota_exceeded: /*i18n*/ "Storage full",
  quota_restored: /*i18n*/ "Storage available again",
  subscription_disabled: /*i18n*/ "Webhook or queue disabled",
};

/** The switches of a kind, by channel. A text message needs a verified phone, and is for critical news only. */
const CHANNELS: Record<keyof Preferences[string], string> = {
  sms: "SMS",
  in_app: /*i18n*/ "In-app",
  email: /*i18n*/ "Email",
  push: /*i18n*/ "Push",
};

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
    await attempt(() => call("put /v1/notifications/preferences", { body: next }));
    await queryClient.invalidateQueries({ queryKey: key });
  }
  return (
    <div>
      <h2>{i18n.t("Notifications")}</h2>
      <ul className="preferences">
        {Object.entries(chosen).map(([kind, preference]) => (
          <li key={kind}>
            <span id={`kind-${kind}`}>{i18n.t(KINDS[kind] ?? kind)}</span>
            {channels.map((channel) => (
              preference[channel] !== undefined && (
                <Switch
                  key={channel}
                  label={i18n.t(CHANNELS[channel])}
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
