/** Details of a file or folder: properties, versions, access, followers, activity. */
import { i18n } from "@lingui/core";
import { useQuery } from "@tanstack/react-query";
import { Eye, GitCompareArrows, RotateCcw, X } from "lucide-react";
import { Tab, TabList, TabPanel, Tabs } from "react-aria-components";
import { call } from "@/api/client";
import { keys, queryClient, useAccount } from "@/api/queries";
import type { FileItem, FileVersion } from "@/api/types";
import { Activity } from "@/details/Activity";
import { Following } from "@/details/Following";
import { mediaFacts } from "@/details/media-facts";
import { openDialog } from "@/files/dialogs";
import { moment, size, who } from "@/lib/format";
import { isPreviewed, isText, KIND_NAMES, kindOf } from "@/lib/media";
import { parentOf } from "@/lib/places";
import { AccessList } from "@/sharing/AccessList";
import { attempt } from "@/ui/attempt";
import { FileIcon } from "@/ui/icon";
import { Menu } from "@/ui/menu";
import { LargePreview } from "@/ui/preview";
import { Failed, Spinner } from "@/ui/states";
import { viewFile } from "@/viewer/viewer-address";

interface Props {
  file: FileItem | undefined;
  /** How many are selected; of several nothing is shown but their number. */
  many: number;
  onClose: () => void;
}

export default function DetailsPanel({ file, many, onClose }: Props) {
  return (
    <aside className="details" aria-label={i18n.t("Details")}>
      <header>
        {file && many < 2 && <FileIcon file={file} size={22} />}
        <h2 dir="auto">
          {many > 1
            ? i18n.t("{many, plural, one {# item} other {# items}} selected", { many })
            : file
              ? file.name || i18n.t("My files")
              : "…"}
        </h2>
        <button className="icon-button small" aria-label={i18n.t("Close details")} onClick={onClose}>
          <X size={18} />
        </button>
      </header>
      {file && many < 2 && <About key={file.id} file={file} />}
    </aside>
  );
}

function About({ file }: { file: FileItem }) {
  const hasVersions = file.kind === "file" && !file.watermark;
  const canBeShared = file.permission !== "owner" || file.parent_id !== null; // one's root cannot
  return (
    <Tabs className="tabs">
      <TabList aria-label={i18n.t("Details")}>
        <Tab id="facts">{i18n.t("Details")}</Tab>
        {hasVersions && <Tab id="versions">{i18n.t("Versions")}</Tab>}
        {canBeShared && <Tab id="access">{i18n.t("Access")}</Tab>}
        <Tab id="follow">{i18n.t("Following")}</Tab>
        <Tab id="activity">{i18n.t("Activity")}</Tab>
      </TabList>
      <TabPanel id="facts">
        <Facts file={file} />
      </TabPanel>
      {hasVersions && (
        <TabPanel id="versions">
          <Versions file={file} />
        </TabPanel>
      )}
      {canBeShared && (
        <TabPanel id="access">
          <Access file={file} />
        </TabPanel>
      )}
      <TabPanel id="follow">
        <Following file={file} />
      </TabPanel>
      <TabPanel id="activity">
        <Activity file={file} />
      </TabPanel>
    </Tabs>
  );
}

function Facts({ file }: { file: FileItem }) {
  const account = useAccount();
  const isFile = file.kind === "file";
  const media = useQuery({
    queryKey: ["about", file.id, "media", file.version, file.preview],
    queryFn: () => call("get /v1/files/{file_id}/media", { path: { file_id: file.id } }),
    enabled: isPreviewed(file),
  }).data;
  const named = useQuery({
    queryKey: ["about", file.id, "people", file.etag],
    queryFn: () => call("get /v1/files/{file_id}", { path: { file_id: file.id } }),
  }).data;
  const kindName = i18n.t(KIND_NAMES[kindOf(file)]);
  const facts: [string, string][] = [
    [i18n.t("Kind"), isFile && file.content_type ? `${kindName} (${file.content_type})` : kindName],
    ...(isFile
      ? ([
          [
            i18n.t("Size"),
            i18n.t("{size} ({bytes, plural, one {# byte} other {# bytes}})", {
              size: size(file.size),
              bytes: file.size,
            }),
          ],
        ] as [string, string][])
      : []),
    ...(media ? mediaFacts(media) : []),
    [i18n.t("In"), file.path === "/" ? "–" : parentOf(file.path)],
    [
      i18n.t("Modified"),
      i18n.t("{at} by {who}", {
        at: moment(file.modified_at),
        who: who(file.modified_by, named?.modified_by_name, account.id, "object"),
      }),
    ],
    [i18n.t("Created"), moment(file.created_at)],
    ...(file.watermark
      ? ([[i18n.t("Watermark"), i18n.t("{watermark} (no download)", { watermark: file.watermark })]] as [
          string,
          string,
        ][])
      : []),
    ...(file.client_modified_at
      ? ([[i18n.t("File date"), moment(file.client_modified_at)]] as [string, string][])
      : []),
    [i18n.t("Owner"), who(file.owner_id, named?.owner_name, account.id)],
    ...(isFile
      ? ([
          [i18n.t("Version"), String(file.version)],
          [i18n.t("Content indexed"), file.indexed ? i18n.t("Yes") : i18n.t("Pending")],
          ["SHA-256", file.sha256 ?? "–"],
        ] as [string, string][])
      : []),
  ];
  const pairs = Object.entries(file.metadata).sort(([one], [other]) => one.localeCompare(other));
  return (
    <>
      <LargePreview file={file} />
      <dl className="facts">
        {facts.map(([name, value]) => (
          <Fact key={name} name={name} value={value} />
        ))}
      </dl>
      {pairs.length > 0 && (
        <>
          <h3 className="facts-head">{i18n.t("Metadata")}</h3>
          <dl className="facts" aria-label={i18n.t("Metadata")}>
            {pairs.map(([name, value]) => (
              <Fact key={name} name={name} value={value} />
            ))}
          </dl>
        </>
      )}
      {file.tags.length > 0 && (
        <ul className="tag-list" aria-label={i18n.t("Tags")}>
          {file.tags.map((tag) => (
            <li key={tag} className="tag">
              {tag}
            </li>
          ))}
        </ul>
      )}
      {file.permission !== "viewer" && file.parent_id && (
        <div className="buttons">
          <button className="button" onClick={() => openDialog({ kind: "tags", file })}>
            {i18n.t("Edit tags")}
          </button>
          <button className="button" onClick={() => openDialog({ kind: "metadata", file })}>
            {i18n.t("Edit metadata")}
          </button>
        </div>
      )}
    </>
  );
}

function Fact({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Versions({ file }: { file: FileItem }) {
  const account = useAccount();
  const versions = useQuery({
    queryKey: ["about", file.id, "versions", file.version],
    queryFn: () => call("get /v1/files/{file_id}/versions", { path: { file_id: file.id }, query: { limit: 100 } }),
  });
  if (versions.error) return <Failed error={versions.error} onRetry={() => void versions.refetch()} />;
  if (!versions.data) return <Spinner />;
  const items = versions.data.items;
  const current = items[0];

  async function restore(version: FileVersion): Promise<void> {
    await attempt(async () => {
      const restored = await call("post /v1/files/{file_id}/versions/{number}/restore", {
        path: { file_id: file.id, number: version.version },
      });
      queryClient.setQueryData(keys.file(file.id), restored);
      await queryClient.invalidateQueries({ queryKey: keys.lists() });
      await queryClient.invalidateQueries({ queryKey: ["about", file.id] });
    }, i18n.t("Restored version {version}.", { version: version.version }));
  }
  return (
    <ol className="versions">
      {items.map((version) => (
        <li key={version.version}>
          <div>
            <strong>
              {i18n.t("Version {version}", { version: version.version })}
              {version.current && <span className="tag">{i18n.t("Current")}</span>}
            </strong>
            <span className="muted">
              {moment(version.created_at)} · {size(version.size)}
            </span>
            <span className="muted">
              {who(version.created_by, version.created_by_name, account.id)}
              {version.device && `, ${version.device}`}
              {version.restored_from && ` · ${i18n.t("restored from {version}", { version: version.restored_from })}`}
            </span>
            {Object.keys(version.metadata).length > 0 && (
              <span className="muted">
                {Object.entries(version.metadata)
                  .map(([name, value]) => `${name}: ${value}`)
                  .join(" · ")}
              </span>
            )}
          </div>
          <Menu
            label={i18n.t("Actions for version {version}", { version: version.version })}
            className="icon-button small"
            button={<span aria-hidden="true">⋯</span>}
            choices={[
              {
                id: "view",
                label: i18n.t("View"),
                icon: <Eye size={16} />,
                run: () => viewFile(file, [file], version.version),
              },
              ...(!version.current && current && isText(file)
                ? [
                    {
                      id: "compare",
                      label: i18n.t("Compare with current"),
                      icon: <GitCompareArrows size={16} />,
                      run: () => openDialog({ kind: "compare", file, older: version, newer: current }),
                    },
                  ]
                : []),
              ...(!version.current && file.permission !== "viewer"
                ? [
                    {
                      id: "restore",
                      label: i18n.t("Restore"),
                      icon: <RotateCcw size={16} />,
                      run: () => void restore(version),
                    },
                  ]
                : []),
            ]}
          />
        </li>
      ))}
    </ol>
  );
}

function Access({ file }: { file: FileItem }) {
  return (
    <>
      <AccessList file={file} />
      {file.permission === "owner" && (
        <button className="button" onClick={() => openDialog({ kind: "share", file })}>
          {i18n.t("Share…")}
        </button>
      )}
    </>
  );
}
