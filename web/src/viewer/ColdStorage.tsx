/** In place of a content that is in cold storage. */
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
      <Empty icon={<Snowflake size={40} />} title="Being retrieved">
        <p>
          You will be notified when this file can be read{found.expected_at ? `, probably ${when(found.expected_at)}` : ""}.
        </p>
      </Empty>
    );
  }
  return (
    <Empty icon={<Snowflake size={40} />} title="In cold storage">
      <p>Nobody has read this file for a long time. Retrieving it takes about {duration(found.estimate_seconds ?? 0)}.</p>
      <button className="button primary" onClick={() => void retrieve(file, version)}>
        Retrieve
      </button>
    </Empty>
  );
}
