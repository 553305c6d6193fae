/** Notifications in this browser by Web Push. A browser gets them while its log-in lasts. */
import { i18n } from "@lingui/core";
import { call } from "@/api/client";
import { WORKER } from "@/lib/offline";
import { navigate } from "@/lib/router";

/** The account that this browser was turned on for: after the next log-in it is registered again. */
const KEPT = "docstore.push";

export const canPush = () => "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;

function keep(account: string): void {
  try {
    if (account) localStorage.setItem(KEPT, account);
    else localStorage.removeItem(KEPT);
  } catch {
    // Without storage it is turned on again by hand.
  }
}

/** Ask for permission, which browsers allow only after a click, and register. */
export async function turnOn(account: string): Promise<void> {
  if (!canPush())
    throw new Error(i18n.t("This browser doesn’t support push notifications, or this page isn’t served over HTTPS."));
  const { key } = await call("get /v1/push-key");
  if ((await Notification.requestPermission()) !== "granted") {
    throw new Error(i18n.t("Your browser blocks notifications from this site. Allow them in its settings, then try again."));
  }
  await register(key);
  keep(account);
}

/** Turn it on in this browser unless another one of the account has it. */
export async function turnOnSomewhere(account: string): Promise<void> {
  const { items } = await call("get /v1/push-subscriptions");
  if (items.length === 0) await turnOn(account);
}

export async function turnOff(id: string): Promise<void> {
  await call("delete /v1/push-subscriptions/{push_subscription_id}", { path: { push_subscription_id: id } });
  keep("");
  await (await known())?.unsubscribe();
}

/** After a log-in: register again if this account had turned it on here. Also follows clicks on notifications. */
export async function renew(account: string): Promise<void> {
  if (!canPush()) return;
  navigator.serviceWorker.addEventListener("message", ({ data }: MessageEvent<{ open?: string }>) => {
    const address = data.open ? new URL(data.open) : undefined;
    if (address?.origin === location.origin) navigate(address.pathname);
  });
  try {
    if (localStorage.getItem(KEPT) !== account || Notification.permission !== "granted") return;
    await register((await call("get /v1/push-key")).key);
  } catch {
    // The settings show that it is off.
  }
}

const known = async () => (await navigator.serviceWorker.getRegistration(WORKER))?.pushManager.getSubscription();

async function register(key: string): Promise<void> {
  await navigator.serviceWorker.register(WORKER);
  const { pushManager } = await navigator.serviceWorker.ready;
  const wanted = { userVisibleOnly: true, applicationServerKey: key };
  let subscription: PushSubscription;
  try {
    subscription = await pushManager.subscribe(wanted);
  } catch (error) {
    const former = await pushManager.getSubscription(); // of a key that the server had before
    if (!former) throw error;
    await former.unsubscribe();
    subscription = await pushManager.subscribe(wanted);
  }
  const { endpoint = "", keys = {} } = subscription.toJSON();
  const body = { endpoint, keys: { p256dh: keys.p256dh ?? "", auth: keys.auth ?? "" } };
  await call("post /v1/push-subscriptions", { body });
}
