/** Password reset: request a link, and choose a new password. */
import { i18n } from "@lingui/core";
import { type ReactNode, useEffect, useState } from "react";
import { call } from "@/api/client";
import { hasCode, reason } from "@/api/problem";
import { MIN_PASSWORD } from "@/auth/AuthPage";
import { FORGOT_PATH, RESET_PATH } from "@/lib/places";
import { Link } from "@/lib/router";
import { Field } from "@/ui/field";
import { Form, FormError, useAction } from "@/ui/form";
import { Logo } from "@/ui/logo";

export default function ForgottenPage({ path }: { path: string }) {
  return path === RESET_PATH ? <ResetPage /> : <ForgotPage />;
}

interface FrameProps {
  title: string;
  about: string;
  children: ReactNode;
}

function Frame({ title, about, children }: FrameProps) {
  useEffect(() => {
    document.title = `${title} · DocStore`;
  }, [title]);
  return (
    <main className="auth">
      <div className="auth-card">
        <Logo />
        <h1>{title}</h1>
        <p className="muted">{about}</p>
        {children}
        <p className="auth-other">
          <Link href="/log-in">{i18n.t("Log in")}</Link>
        </p>
      </div>
    </main>
  );
}

export function ForgotPage() {
  const [email, setEmail] = useState("");
  const [done, setDone] = useState(false);
  const { busy, error, run } = useAction();
  const submit = async () => setDone(await run(() => call("post /v1/password-resets", { body: { email } })));
  if (done) {
    return (
      <Frame title={i18n.t("Check your email")} about={i18n.t("If {email} has an account, we sent it a reset link.", { email })}>
        <p>{i18n.t("The link expires in 1 hour. Didn’t get it? Check the address and your spam folder.")}</p>
      </Frame>
    );
  }
  return (
    <Frame title={i18n.t("Forgot your password?")} about={i18n.t("We’ll email you a reset link.")}>
      <Form onSubmit={submit}>
        <Field
          label={i18n.t("Email")}
          type="email"
          required
          autoFocus
          autoComplete="username"
          value={email}
          error={error ? reason(error) : undefined}
          onChange={(event) => setEmail(event.target.value)}
        />
        <button className="button primary wide" type="submit" disabled={busy}>
          {i18n.t("Send reset link")}
        </button>
      </Form>
    </Frame>
  );
}

/** Token after the `#`, also of a link opened later in this tab; removed from the address bar. */
function useToken(): string {
  const [token, setToken] = useState(() => location.hash.slice(1));
  useEffect(() => {
    function take(): void {
      if (location.hash) setToken(location.hash.slice(1));
      history.replaceState(null, "", location.pathname); // single use and secret
    }
    take();
    window.addEventListener("hashchange", take);
    return () => window.removeEventListener("hashchange", take);
  }, []);
  return token;
}

export function ResetPage() {
  const token = useToken();
  return <ResetForm key={token} token={token} />;
}

function ResetForm({ token }: { token: string }) {
  const [password, setPassword] = useState("");
  const [done, setDone] = useState(false);
  const { busy, error, run } = useAction();
  const submit = async () =>
    setDone(await run(() => call("post /v1/password-resets/confirm", { body: { token, password } })));
  if (done) {
    return (
      <Frame title={i18n.t("Password changed")} about={i18n.t("All your devices have been logged out.")}>
        <p>{i18n.t("Log in with the new password.")}</p>
      </Frame>
    );
  }
  const isWeak = hasCode(error, "weak_password");
  return (
    <Frame title={i18n.t("Choose a new password")} about={i18n.t("You’ll be logged out on all devices.")}>
      <Form onSubmit={submit}>
        <Field
          label={i18n.t("New password")}
          type="password"
          required
          autoFocus
          minLength={MIN_PASSWORD}
          autoComplete="new-password"
          value={password}
          hint={i18n.t("At least {least} characters.", { least: MIN_PASSWORD })}
          error={isWeak ? reason(error) : undefined}
          onChange={(event) => setPassword(event.target.value)}
        />
        <FormError error={isWeak ? null : error}>
          {hasCode(error, "reset_not_found") && <Link href={FORGOT_PATH}>{i18n.t("Request a new link")}</Link>}
        </FormError>
        <button className="button primary wide" type="submit" disabled={busy}>
          {i18n.t("Set password")}
        </button>
      </Form>
    </Frame>
  );
}
