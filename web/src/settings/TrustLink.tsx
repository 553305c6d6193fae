/** Leads to the page that offers the root of the local authority, where a stack on a local network has one. */
import { i18n } from "@lingui/core";
import { useQuery } from "@tanstack/react-query";

const TRUST_PAGE = "/trust/";
const ROOT = `${TRUST_PAGE}root.crt`;

/** Other stacks respond to this address with the page itself, as to any navigation. */
async function offersRoot(): Promise<boolean> {
  const { ok, headers } = await fetch(ROOT, { method: "HEAD", headers: { accept: "text/html" } });
  return ok && headers.get("content-type") === "application/x-x509-ca-cert";
}

export function TrustLink() {
  const offered = useQuery({ queryKey: ["trust"], queryFn: offersRoot, staleTime: Number.POSITIVE_INFINITY, retry: false });
  if (!offered.data) return null;
  return (
    <div>
      <h2>{i18n.t("Another device")}</h2>
      <p className="muted">{i18n.t("This DocStore is on your own network: a device connects without warnings once it trusts its certificate.")}</p>
      <a className="button" href={TRUST_PAGE} target="_blank" rel="noopener">
        {i18n.t("Trust the certificate")}
      </a>
    </div>
  );
}
