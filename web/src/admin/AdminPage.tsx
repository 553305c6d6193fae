/** Administration pages. */
import { i18n } from "@lingui/core";
import { useAccount } from "@/api/queries";
import { Accounts } from "@/admin/Accounts";
import { Audit } from "@/admin/Audit";
import { DeadLetters } from "@/admin/DeadLetters";
import { Events } from "@/admin/Events";
import { Health } from "@/admin/Health";
import { Logs } from "@/admin/Logs";
import { Operations } from "@/admin/Operations";
import { Overview } from "@/admin/Overview";
import { Link } from "@/lib/router";
import { useTitle } from "@/lib/title";
import { Empty } from "@/ui/states";

const SECTIONS = [
  { id: "overview", label: /*i18n*/ "Overview" },
  { id: "accounts", label: /*i18n*/ "Accounts" },
  { id: "audit", label: /*i18n*/ "Audit log" },
  { id: "health", label: /*i18n*/ "Health" },
  { id: "logs", label: /*i18n*/ "Logs" },
  { id: "operations", label: /*i18n*/ "Operations" },
  { id: "events", label: /*i18n*/ "Live events" },
  { id: "dead-letters", label: /*i18n*/ "Dead letters" },
];

export default function AdminPage({ section }: { section: string }) {
  const account = useAccount();
  const here = SECTIONS.find(({ id }) => id === section) ?? SECTIONS[0];
  useTitle(i18n.t("{label} · Administration", { label: i18n.t(here?.label ?? "") }));
  if (account.role !== "admin") return <Empty title={i18n.t("Administrators only")} />;
  return (
    <section className="settings" aria-label={i18n.t("Administration")}>
      <div className="page-head">
        <h1>{i18n.t("Administration")}</h1>
      </div>
      <nav className="subnav" aria-label={i18n.t("Administration")}>
        {SECTIONS.map(({ id, label }) => (
          <Link key={id} href={`/admin/${id}`} aria-current={here?.id === id ? "page" : undefined}>
            {i18n.t(label)}
          </Link>
        ))}
      </nav>
      <div className="settings-body wide">
        {here?.id === "overview" && <Overview />}
        {here?.id === "accounts" && <Accounts />}
        {here?.id === "audit" && <Audit />}
        {here?.id === "health" && <Health />}
        {here?.id === "logs" && <Logs />}
        {here?.id === "operations" && <Operations />}
        {here?.id === "events" && <Events />}
        {here?.id === "dead-letters" && <DeadLetters />}
      </div>
    </section>
  );
}
