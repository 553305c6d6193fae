/** Notifications of changes to a file: in-app, email, webhooks and others. */
import { i18n } from "@lingui/core";
import { useQuery } from "@tanstack/react-query";
import { Bell, BellOff, RotateCcw, Send, Trash2, Webhook } from "lucide-react";
import { call } from "@/api/client";
import { queryClient, useAccount } from "@/api/queries";
import type { FileItem, Subscription } from "@/api/types";
import { openDialog } from "@/files/dialogs";
import { addressOf, labelOf } from "@/following/targets";
import { when } from "@/lib/format";
import { turnOnSomewhere } from "@/settings/push";
import { attempt } from "@/ui/attempt";
import { useAction } from "@/ui/form";
import { Menu } from "@/ui/menu";
import { Failed, Spinner } from "@/ui/states";
import { toast } from "@/ui/toasts";

const CHANNELS = [
  { id: "in_app", label: /*i18n*/ "In-app", off: /*i18n*/ "Turn off in-app" },
  { id: "email", label: /*i18n*/ "Email", off: /*i18n*/ "Turn off email" },
  { id: "push", label: /*i18n*/ "Push", off: /*i18n*/ "Turn off push" },
] as const;
const PERSONAL = new Set<string>(CHANNELS.map(({ id }) => id));

const unfollow = ({ id }: Subscription) =>
  call("delete /v1/subscriptions/{subscription_id}", { path: { subscription_id: id } });

export function Following({ file }: { file: FileItem }) {
  const key = ["about", file.id, "following"];
  const following = useQuery({
    queryKey: key,
    queryFn: () => call("get /v1/subscriptions", { query: { file_id: file.id } }),
  });
  const account = useAccount();
  const { busy, run } = useAction();
  if (following.error) return <Failed error={following.error} />;
  if (!following.data) return <Spinner />;
  const mine = following.data.items;
  const machines = mine.filter(({ channel }) => !PERSONAL.has(channel));

  const change = (work: () => Promise<unknown>) =>
    run(() => attempt(() => work().then(() => queryClient.invalidateQueries({ queryKey: key }))));
  async function test(subscription: Subscription): Promise<void> {
    const { state, detail } = await call("post /v1/subscriptions/{subscription_id}/test", {
      path: { subscription_id: subscription.id },
    });
    if (state === "sent") toast(i18n.t("Test message accepted."));
    else toast(i18n.t("Test message rejected: {detail}", { detail }), { tone: "error" });
  }
  return (
    <>
      <p className="muted">
        {file.kind === "folder"
          ? i18n.t("Get notified when this folder or anything in it changes.")
          : i18n.t("Get notified when this file changes.")}
      </p>
      <div className="follow-buttons">
        {CHANNELS.map(({ id, label, off }) => {
          const one = mine.find((subscription) => subscription.channel === id);
          return (
            <button
              key={id}
              className="button"
              disabled={busy}
              aria-pressed={Boolean(one)}
              onClick={() =>
                void change(async () => {
                  if (one) return unfollow(one);
                  if (id === "push") await turnOnSomewhere(account.id);
                  return call("post /v1/subscriptions", { body: { file_id: file.id, channel: id } });
                })
              }
            >
              {one ? <BellOff size={16} aria-hidden="true" /> : <Bell size={16} aria-hidden="true" />}
              {i18n.t(one ? off : label)}
            </button>
          );
        })}
        <button className="button" onClick={() => openDialog({ kind: "follow", file })}>
          <Webhook size={16} aria-hidden="true" />
          {i18n.t("Add webhook…")}
        </button>
      </div>
      {machines.length > 0 && (
        <ul className="people" aria-label={i18n.t("Webhooks and other targets")}>
          {machines.map((subscription) => (
            <li key={subscription.id}>
              <span className="person">
                {labelOf(subscription)}
                {subscription.state === "disabled" && <span className="tag">{i18n.t("Disabled")}</span>}
                <span className="muted">{addressOf(subscription)}</span>
                <span className="muted">{i18n.t("Since {at}", { at: when(subscription.created_at) })}</span>
              </span>
              <Menu
                label={i18n.t("Actions for {subscription}", { subscription: labelOf(subscription) })}
                className="icon-button small"
                button={<span aria-hidden="true">⋯</span>}
                choices={[
                  {
                    id: "test",
                    label: i18n.t("Send test"),
                    icon: <Send size={16} />,
                    run: () => void change(() => test(subscription)),
                  },
                  ...(subscription.state === "disabled"
                    ? [
                        {
                          id: "enable",
                          label: i18n.t("Enable"),
                          icon: <RotateCcw size={16} />,
                          run: () =>
                            void change(() =>
                              call("patch /v1/subscriptions/{subscription_id}", {
                                path: { subscription_id: subscription.id },
                                body: { state: "active" },
                              }),
                            ),
                        },
                      ]
                    : []),
                  {
                    id: "remove",
                    label: i18n.t("Remove"),
                    icon: <Trash2 size={16} />,
                    danger: true,
                    run: () => void change(() => unfollow(subscription)),
                  },
                ]}
              />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
