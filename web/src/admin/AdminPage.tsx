/** Administration pages. */
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
  { id: "overview", label: "Overview" },
  { id: "accounts", label: "Accounts" },
  { id: "audit", label: "Audit log" },
  { id: "health", label: "Health" },
  { id: "logs", label: "Logs" },
  { id: "operations", label: "Operations" },
  { id: "events", label: "Live events" },
  { id: "dead-letters", label: "Dead letters" },
];

export default function AdminPage({ section }: { section: string }) {
  const account = useAccount();
  const here = SECTIONS.find(({ id }) => id === section) ?? SECTIONS[0];
  useTitle(`${here?.label} · Administration`);
  if (account.role !== "admin") return <Empty title="Administrators only" />;
  return (
    <section className="settings" aria-label="Administration">
      <div className="page-head">
        <h1>Administration</h1>
      </div>
      <nav className="subnav" aria-label="Administration">
        {SECTIONS.map(({ id, label }) => (
          <Link key={id} href={`/admin/${id}`} aria-current={here?.id === id ? "page" : undefined}>
            {label}
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
