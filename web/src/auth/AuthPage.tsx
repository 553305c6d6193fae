/** Log-in and sign-up page. */
import { i18n } from "@lingui/core";
import { useEffect, useMemo, useState } from "react";
import { call } from "@/api/client";
import { Problem, reason } from "@/api/problem";
import { logIn } from "@/api/session";
import { VERIFY_PATH } from "@/auth/VerifyEmail";
import type { Language } from "@/i18n/locale";
import { Link, navigate } from "@/lib/router";
import { Field } from "@/ui/field";
import { Form, FormError, useAction } from "@/ui/form";
import { Logo } from "@/ui/logo";

export const MIN_PASSWORD = 8;

type SignUpRules = "open" | "invitation" | "closed";

/** What the link of an invitation carries behind its `#`: for which address it is stands in it, signed. */
function invitationOf(hash: string): { token: string; email: string } | null {
  const token = hash.slice(1);
  const encoded = token.slice(0, token.lastIndexOf("-"));
  if (!encoded) return null;
  try {
    const bytes = Uint8Array.from(atob(encoded.replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0));
    return { token, email: new TextDecoder().decode(bytes) };
  } catch {
    return null;
  }
}

export default function AuthPage({ mode, onDone }: { mode: "log-in" | "sign-up"; onDone: () => void }) {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [name, setName] = useState("");
  const { busy, error, setError, run } = useAction();
  const isNew = mode === "sign-up";
  const invited = useMemo(() => (isNew ? invitationOf(location.hash) : null), [isNew]);
  const [rules, setRules] = useState<SignUpRules>("open");

  useEffect(() => {
    // Where that can't be queried, the attempt shows it.
    if (isNew) call("get /v1/accounts/sign-up").then(({ sign_up }) => setRules(sign_up), () => undefined);
    if (invited) setEmail(invited.email);
  }, [isNew, invited]);

  useEffect(() => {
    document.title = `${isNew ? i18n.t("Sign up") : i18n.t("Log in")} · DocStore`;
    setError(null);
  }, [isNew, setError]);

  async function submit(): Promise<void> {
    if (isNew) {
      const invitation = invited?.token ?? null;
      await call("post /v1/accounts", {
        body: { email, password, display_name: name.trim() || null, language: i18n.locale as Language, invitation },
      });
    }
    await logIn(email, password);
    if (location.pathname === "/sign-up" || location.pathname === "/log-in") navigate("/files", { replace: true });
    onDone();
  }

  if (isNew && (rules === "closed" || (rules === "invitation" && !invited))) {
    return (
      <main className="auth">
        <div className="auth-card">
          <Logo />
          <h1>{rules === "closed" ? i18n.t("Sign-up is closed") : i18n.t("Sign up by invitation")}</h1>
          <p className="muted">
            {rules === "closed"
              ? i18n.t("Sign-up is disabled. Ask an administrator for an account.")
              : i18n.t("Open the link in your invitation email, or ask an administrator to invite you.")}
          </p>
          <p className="auth-other">
            <Link href="/log-in">{i18n.t("Log in")}</Link>
          </p>
        </div>
      </main>
    );
  }
  const code = error instanceof Problem ? error.code : "";
  const home = error instanceof Problem ? error.extra.home : undefined;
  return (
    <main className="auth">
      <div className="auth-card">
        <Logo />
        <h1>{isNew ? i18n.t("Create your account") : i18n.t("Welcome back")}</h1>
        <p className="muted">
          {isNew
            ? i18n.t("Store, find and share your files.")
            : location.pathname === VERIFY_PATH
              ? i18n.t("Log in with the email address you want to verify.")
              : i18n.t("Log in to access your files.")}
        </p>
        <Form onSubmit={() => run(submit)}>
          {isNew && (
            <Field label={i18n.t("Name")} value={name} autoComplete="name" onChange={(event) => setName(event.target.value)} />
          )}
          <Field
            label={i18n.t("Email")}
            type="email"
            required
            autoComplete="username"
            autoFocus
            value={email}
            error={code === "email_taken" || code === "invalid_email" ? reason(error) : undefined}
            onChange={(event) => setEmail(event.target.value)}
          />
          <Field
            label={i18n.t("Password")}
            type="password"
            required
            minLength={isNew ? MIN_PASSWORD : undefined}
            autoComplete={isNew ? "new-password" : "current-password"}
            value={password}
            hint={isNew ? i18n.t("At least {least} characters.", { least: MIN_PASSWORD }) : undefined}
            error={code === "weak_password" ? reason(error) : undefined}
            onChange={(event) => setPassword(event.target.value)}
          />
          {!["email_taken", "invalid_email", "weak_password"].includes(code) && (
            <FormError error={code === "invalid_credentials" ? i18n.t("Incorrect email or password.") : error}>
              {typeof home === "string" && <a href={home}>{i18n.t("Continue there")}</a>}
            </FormError>
          )}
          <button className="button primary wide" type="submit" disabled={busy}>
            {busy ? i18n.t("Please wait…") : isNew ? i18n.t("Sign up") : i18n.t("Log in")}
          </button>
        </Form>
        {!isNew && (
          <p className="auth-other">
            <Link href="/forgot-password">{i18n.t("Forgot password?")}</Link>
          </p>
        )}
        <p className="auth-other">
          {isNew ? i18n.t("Already have an account?") : i18n.t("New here?")}{" "}
          <Link href={isNew ? "/log-in" : "/sign-up"}>{isNew ? i18n.t("Log in") : i18n.t("Create an account")}</Link>
        </p>
      </div>
    </main>
  );
}
