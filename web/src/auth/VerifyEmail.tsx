/** Email verification: the banner, and the page of the emailed link. */
import { i18n } from "@lingui/core";
import { MailCheck } from "lucide-react";
import { useEffect, useState } from "react";
import { call } from "@/api/client";
import { keys, queryClient, useAccount } from "@/api/queries";
import { rich } from "@/i18n/rich";
import { navigate } from "@/lib/router";
import { attempt } from "@/ui/attempt";
import { Form, useAction } from "@/ui/form";
import { Empty, Spinner } from "@/ui/states";
import { toast } from "@/ui/toasts";

export const VERIFY_PATH = "/verify-email";

async function verify(proof: { token: string } | { code: string }): Promise<void> {
  await call("put /v1/me/email-verification", { body: proof });
  await Promise.all([keys.me, keys.shared].map((queryKey) => queryClient.invalidateQueries({ queryKey })));
  toast(i18n.t("Email address verified."));
}

export function VerifyBanner() {
  const { email, email_verified } = useAccount();
  const [code, setCode] = useState("");
  const { busy, run } = useAction();

  async function sendAgain(): Promise<void> {
    const { email_verified: done } = await call("post /v1/me/email-verification");
    if (done) await queryClient.invalidateQueries({ queryKey: keys.me });
    else toast(i18n.t("We sent a new link and code to {email}.", { email }));
  }

  if (email_verified) return null;
  return (
    <section className="verify-banner" aria-label={i18n.t("Verification")}>
      <MailCheck size={18} aria-hidden="true" />
      <p>
        {rich(
          i18n.t(
            "<0>Verify your email address.</0> We sent a link and a code to {email}. What others share with you appears once it is verified.",
            { email },
          ),
          <strong />,
        )}
      </p>
      <Form onSubmit={() => run(() => attempt(() => verify({ code })))}>
        <input
          className="select"
          aria-label={i18n.t("Verification code")}
          placeholder={i18n.t("Code")}
          inputMode="numeric"
          autoComplete="one-time-code"
          size={10}
          maxLength={12}
          required
          value={code}
          onChange={(event) => setCode(event.target.value)}
        />
        <button className="button primary" type="submit" disabled={busy}>
          {i18n.t("Verify")}
        </button>
        <button className="button" type="button" disabled={busy} onClick={() => void run(() => attempt(sendAgain))}>
          {i18n.t("Send again")}
        </button>
      </Form>
    </section>
  );
}

/** Only for the logged-in account: a click must not verify an address for an account that someone else created. */
export function VerifyPage() {
  const [error, setError] = useState<unknown>(null);
  const [token] = useState(() => location.hash.slice(1));
  useEffect(() => {
    history.replaceState(null, "", location.pathname); // single use and secret
    verify({ token }).then(() => navigate("/files", { replace: true }), setError);
  }, [token]);
  if (!error) return <Spinner />;
  return (
    <Empty title={i18n.t("This link can’t verify your address")}>
      {i18n.t(
        "It has been used, has expired, or was sent for another account. Log in with the address that it was sent to, or have a new one sent.",
      )}
    </Empty>
  );
}
