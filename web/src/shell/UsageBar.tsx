import { i18n } from "@lingui/core";
import { useAccount } from "@/api/queries";
import { size } from "@/lib/format";
import { Link } from "@/lib/router";

const NEARLY_FULL = 0.9;

/** How much of the plan's storage is used. */
export function UsageBar() {
  const { usage, plan } = useAccount();
  const part = usage.limit > 0 ? Math.min(1, usage.used / usage.limit) : 1;
  const tone = usage.over_quota || part >= 1 ? "full" : part >= NEARLY_FULL ? "nearly" : "";
  return (
    <div className={`usage ${tone}`}>
      <progress
        max={usage.limit || 1}
        value={Math.min(usage.used, usage.limit)}
        aria-label={i18n.t("Storage used")}
      />
      <p>
        {i18n.t("{used} of {limit} used", { used: size(usage.used), limit: size(usage.limit) })}
      </p>
      {plan === "free" && <Link href="/settings/plan">{i18n.t("Get more storage")}</Link>}
    </div>
  );
}
