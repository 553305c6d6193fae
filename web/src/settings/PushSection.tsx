/** Where push notifications go: this browser, and others of the account. */
import { i18n } from "@lingui/core";
import { useQuery } from "@tanstack/react-query";
import { Bell, BellOff } from "lucide-react";
import { call } from "@/api/client";
import { queryClient, useAccount } from "@/api/queries";
import { when } from "@/lib/format";
import { canPush, turnOff, turnOn } from "@/settings/push";
import { attempt } from "@/ui/attempt";
import { useAction } from "@/ui/form";
import { Failed, Spinner } from "@/ui/states";

const KEY = ["push-subscriptions"];

export function PushSection() {
  const account = useAccount();
  const { busy, run } = useAction();
  const browsers = useQuery({ queryKey: KEY, queryFn: () => call("get /v1/push-subscriptions") });
  if (browsers.error) return <Failed error={browsers.error} onRetry={() => void browsers.refetch()} />;
  if (!browsers.data) return <Spinner />;
  const here = browsers.data.items.find(({ current }) => current);
  const others = browsers.data.items.filter(({ current }) => !current);

  const change = (work: () => Promise<unknown>, done: string) =>
    run(async () => {
      await attempt(work, done);
      await queryClient.invalidateQueries({ queryKey: KEY });
    });
  return (
    <div>
      <h2>{i18n.t("Push notifications")}</h2>
      <p className="muted">
        {i18n.t("Shown by your browser or phone, also while this page is closed. They end when you log out.")}
      </p>
      {here ? (
        <button
          className="button"
          disabled={busy}
          onClick={() => void change(() => turnOff(here.id), i18n.t("Push notifications are off in this browser."))}
        >
          <BellOff size={16} aria-hidden="true" /> {i18n.t("Turn off in this browser")}
        </button>
      ) : canPush() ? (
        <button
          className="button primary"
          disabled={busy}
          onClick={() => void change(() => turnOn(account.id), i18n.t("Push notifications are on in this browser."))}
        >
          <Bell size={16} aria-hidden="true" /> {i18n.t("Turn on in this browser")}
        </button>
      ) : (
        <p>{i18n.t("This browser doesn’t support push notifications, or this page isn’t served over HTTPS.")}</p>
      )}
      {others.length > 0 && (
        <ul className="people" aria-label={i18n.t("Other browsers with push notifications")}>
          {others.map((browser) => (
            <li key={browser.id}>
              <span className="person">
                {browser.device || browser.service}
                <span className="muted">{i18n.t("Since {at}", { at: when(browser.created_at) })}</span>
              </span>
              <button
                className="button"
                disabled={busy}
                onClick={() => {
                  const path = { push_subscription_id: browser.id };
                  void change(
                    () => call("delete /v1/push-subscriptions/{push_subscription_id}", { path }),
                    i18n.t("Removed."),
                  );
                }}
              >
                {i18n.t("Remove")}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
