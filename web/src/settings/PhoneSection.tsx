/** The phone that gets critical news of the account by text message. */
import { i18n } from "@lingui/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "@/api/client";
import { queryClient } from "@/api/queries";
import { attempt } from "@/ui/attempt";
import { Field } from "@/ui/field";
import { Form, useAction } from "@/ui/form";
import { Failed, Spinner } from "@/ui/states";

const KEY = ["phone"];

export const usePhone = () => useQuery({ queryKey: KEY, queryFn: () => call("get /v1/notifications/phone") });

export function PhoneSection() {
  const phone = usePhone();
  const [number, setNumber] = useState("");
  const [code, setCode] = useState("");
  const { busy, run } = useAction();
  if (phone.error) return <Failed error={phone.error} onRetry={() => void phone.refetch()} />;
  if (!phone.data) return <Spinner />;
  const { phone_number: known, verified, unavailable } = phone.data;

  const change = (work: () => Promise<unknown>, done: string) =>
    run(async () => {
      if (await attempt(work, done)) setCode("");
      await queryClient.invalidateQueries({ queryKey: KEY });
    });
  const send = (phone_number: string) =>
    void change(
      () => call("put /v1/notifications/phone", { body: { phone_number } }),
      i18n.t("We sent you a text message with a code."),
    );
  return (
    <div>
      <h2>{i18n.t("Text messages")}</h2>
      <p className="muted">
        {i18n.t(
          "For critical news of your account only: new devices, password changes, full storage and expiring links.",
        )}
      </p>
      {unavailable && <p>{unavailable}</p>}
      {known && (
        <ul className="people" aria-label={i18n.t("Phone for text messages")}>
          <li>
            <span className="person">
              {known}
              <span className="muted">{verified ? i18n.t("Verified") : i18n.t("Not verified")}</span>
            </span>
            <button
              className="button"
              disabled={busy}
              onClick={() => void change(() => call("delete /v1/notifications/phone"), i18n.t("Phone number removed."))}
            >
              {i18n.t("Remove")}
            </button>
          </li>
        </ul>
      )}
      {known && !verified && !unavailable && (
        <Form
          onSubmit={() => {
            const body = { code: code.replace(/\D/g, "") };
            void change(
              () => call("post /v1/notifications/phone/verification", { body }),
              i18n.t("Phone number verified."),
            );
          }}
        >
          <Field
            label={i18n.t("Code")}
            hint={i18n.t("The six digits in the text message to {known}.", { known })}
            inputMode="numeric"
            autoComplete="one-time-code"
            required
            value={code}
            onChange={(event) => setCode(event.target.value)}
          />
          <div className="buttons">
            <button className="button primary" disabled={busy}>
              {i18n.t("Verify")}
            </button>
            <button type="button" className="button" disabled={busy} onClick={() => send(known)}>
              {i18n.t("Send a new code")}
            </button>
          </div>
        </Form>
      )}
      {!known && !unavailable && (
        <Form onSubmit={() => send(number.replace(/[\s().-]/g, ""))}>
          <Field
            label={i18n.t("Phone number")}
            hint={i18n.t("In international format, such as +6421234567.")}
            type="tel"
            autoComplete="tel"
            required
            value={number}
            onChange={(event) => setNumber(event.target.value)}
          />
          <button className="button primary" disabled={busy}>
            {i18n.t("Send code")}
          </button>
        </Form>
      )}
    </div>
  );
}
