/** Logging in and signing up. */
import { useEffect, useState } from "react";
import { call } from "@/api/client";
import { Problem, reason } from "@/api/problem";
import { logIn } from "@/api/session";
import { Link, navigate } from "@/lib/router";
import { Field } from "@/ui/field";
import { Logo } from "@/ui/logo";

export const MIN_PASSWORD = 8;

export function AuthPage({ mode, onDone }: { mode: "log-in" | "sign-up"; onDone: () => void }) {
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [name, setName] = useState("");
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const isNew = mode === "sign-up";

  useEffect(() => {
    document.title = isNew ? "Sign up · DocStore" : "Log in · DocStore";
    setError(null);
  }, [isNew]);

  async function submit(): Promise<void> {
    setBusy(true);
    setError(null);
    try {
      if (isNew) {
        await call("post /v1/accounts", { body: { email, password, display_name: name.trim() || null } });
      }
      await logIn(email, password);
      if (location.pathname === "/sign-up" || location.pathname === "/log-in") navigate("/files", { replace: true });
      onDone();
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
    }
  }

  const code = error instanceof Problem ? error.code : "";
  const home = error instanceof Problem ? error.extra.home : undefined;
  return (
    <main className="auth">
      <div className="auth-card">
        <Logo />
        <h1>{isNew ? "Create your account" : "Welcome back"}</h1>
        <p className="muted">
          {isNew ? "Keep, find and share your files." : "Log in to get to your files."}
        </p>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void submit();
          }}
        >
          {isNew && (
            <Field label="Name" value={name} autoComplete="name" onChange={(event) => setName(event.target.value)} />
          )}
          <Field
            label="E-mail"
            type="email"
            required
            autoComplete="username"
            autoFocus
            value={email}
            error={code === "email_taken" || code === "invalid_email" ? reason(error) : undefined}
            onChange={(event) => setEmail(event.target.value)}
          />
          <Field
            label="Password"
            type="password"
            required
            minLength={isNew ? MIN_PASSWORD : undefined}
            autoComplete={isNew ? "new-password" : "current-password"}
            value={password}
            hint={isNew ? `At least ${MIN_PASSWORD} characters.` : undefined}
            error={code === "weak_password" ? reason(error) : undefined}
            onChange={(event) => setPassword(event.target.value)}
          />
          {Boolean(error) && !["email_taken", "invalid_email", "weak_password"].includes(code) && (
            <p className="form-error" role="alert">
              {code === "invalid_credentials" ? "That e-mail and password do not match." : reason(error)}
              {typeof home === "string" && (
                <>
                  {" "}
                  <a href={home}>Continue there</a>
                </>
              )}
            </p>
          )}
          <button className="button primary wide" type="submit" disabled={busy}>
            {busy ? "One moment…" : isNew ? "Sign up" : "Log in"}
          </button>
        </form>
        {!isNew && (
          <p className="auth-other">
            <Link href="/forgot-password">Forgot password?</Link>
          </p>
        )}
        <p className="auth-other">
          {isNew ? "You have an account already? " : "New here? "}
          <Link href={isNew ? "/log-in" : "/sign-up"}>{isNew ? "Log in" : "Create an account"}</Link>
        </p>
      </div>
    </main>
  );
}
