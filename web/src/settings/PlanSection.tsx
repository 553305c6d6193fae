/** The account's usage, and its plan. */
import { i18n } from "@lingui/core";
import { call } from "@/api/client";
import { keys, queryClient, useAccount } from "@/api/queries";
import type { Plan } from "@/api/types";
import { size } from "@/lib/format";
import { attempt } from "@/ui/attempt";

const GB = 1024 ** 3;
const PLANS: { id: Plan; name: string; storage: number; points: string[] }[] = [
  {
    id: "free",
    name: /*i18n*/ "Free",
    storage: 5 * GB,
    points: [
      /*i18n*/ "Search by name, tags and dates",
      /*i18n*/ "All versions of your files",
      /*i18n*/ "Sharing and links",
    ],
  },
  {
    id: "premium",
    name: /*i18n*/ "Premium",
    storage: 20 * GB,
    points: [
      /*i18n*/ "Everything in Free",
      /*i18n*/ "Full-text search",
      /*i18n*/ "Text recognition in scans and images",
    ],
  },
];

export function PlanSection() {
  const account = useAccount();
  const { usage } = account;
  async function choose(plan: Plan): Promise<void> {
    await attempt(
      () => call("put /v1/me/plan", { body: { plan } }),
      plan === "free" ? i18n.t("You’re now on the free plan.") : i18n.t("You’re now on the premium plan."),
    );
    await queryClient.invalidateQueries({ queryKey: keys.me });
  }
  return (
    <>
      <div>
        <h2>{i18n.t("Storage")}</h2>
        <p>
          {i18n.t("{used} of {limit} used", { used: size(usage.used), limit: size(usage.limit) })}
          {usage.reserved > 0 && i18n.t(", {reserved} being uploaded", { reserved: size(usage.reserved) })}
        </p>
        <progress
          className="wide-progress"
          max={usage.limit || 1}
          value={Math.min(usage.used, usage.limit)}
          aria-label={i18n.t("Storage used")}
        />
        <p className="muted">{i18n.t("Older versions and the trash count.")}</p>
      </div>
      <div className="plans">
        {PLANS.map((plan) => {
          const mine = account.plan === plan.id;
          return (
            <article key={plan.id} className={mine ? "plan mine" : "plan"}>
              <h2>{i18n.t(plan.name)}</h2>
              <p className="plan-storage">{size(plan.storage)}</p>
              <ul>
                {plan.points.map((point) => (
                  <li key={point}>{i18n.t(point)}</li>
                ))}
              </ul>
              {mine || account.self_service_plans ? (
                <button
                  className={mine ? "button" : "button primary"}
                  disabled={mine}
                  onClick={() => void choose(plan.id)}
                >
                  {mine ? i18n.t("Your plan") : plan.id === "free" ? i18n.t("Downgrade") : i18n.t("Upgrade")}
                </button>
              ) : (
                <p className="muted">{i18n.t("Ask your administrator to change your plan.")}</p>
              )}
            </article>
          );
        })}
      </div>
    </>
  );
}
