/** In place of a content that is in cold storage. */
import { i18n } from "@lingui/core";
import { Snowflake } from "lucide-react";
import type { FileItem } from "@/api/types";
import { duration, retrieve } from "@/files/retrieval";
import { when } from "@/lib/format";
import { Empty } from "@/ui/states";

interface Found {
  state: "available" | "archived" | "requested";
  expected_at: string | null;
  estimate_seconds: number | null;
}

export default function ColdStorage({ file, version, found }: { file: FileItem; version: number; found: Found }) {
  if (found.state === "requested") {
    return (
      <Empty icon={<Snowflake size={40} />} title={i18n.t("Being retrieved")}>
        <p>
          {found.expected_at
            ? i18n.t("You will be notified when this file can be read, probably {at}.", { at: when(found.expected_at) })
            : i18n.t("You will be notified when this file can be read.")}
        </p>
      </Empty>
    );
  }
  return (
    <Empty icon={<Snowflake size={40} />} title={i18n.t("In cold storage")}>
      <p>
        {i18n.t("This file has not been opened for a long time. Retrieving it takes about {duration}.", {
          duration: duration(found.estimate_seconds ?? 0),
        })}
      </p>
      <button className="button primary" onClick={() => void retrieve(file, version)}>
        {i18n.t("Retrieve")}
      </button>
    </Empty>
  );
}
