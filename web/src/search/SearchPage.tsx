/** Search: by name for everyone, by content with snippets on the premium plan. */
import { i18n } from "@lingui/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Search, Sparkles } from "lucide-react";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { call } from "@/api/client";
import { useAccount } from "@/api/queries";
import type { SearchHit } from "@/api/types";
import { count, size, when } from "@/lib/format";
import { containingHref, folderHref, parentOf } from "@/lib/places";
import { Link, navigate, useWhere } from "@/lib/router";
import { useTitle } from "@/lib/title";
import { FIXED } from "@/search/saved";
import { SavedSearches } from "@/search/SavedSearches";
import { Snippet } from "@/search/snippet";
import { Form } from "@/ui/form";
import { Thumbnail } from "@/ui/preview";
import { Empty, Failed, ShowMore, Spinner } from "@/ui/states";
import { viewFile } from "@/viewer/viewer-address";

const PAGE = 30;
const DAY_MS = 24 * 3600 * 1000;
const SINCE = [
  { value: "", label: /*i18n*/ "{label} any time" },
  { value: "1", label: /*i18n*/ "{label} in the last day" },
  { value: "7", label: /*i18n*/ "{label} in the last week" },
  { value: "31", label: /*i18n*/ "{label} in the last month" },
  { value: "365", label: /*i18n*/ "{label} in the last year" },
];
const TYPES = [
  { value: "", label: /*i18n*/ "All types" },
  { value: "pdf", label: "PDFs" },
  { value: "image", label: /*i18n*/ "Images" },
  { value: "text", label: /*i18n*/ "Text" },
  { value: "video", label: /*i18n*/ "Videos" },
  { value: "audio", label: /*i18n*/ "Audio" },
];

const KINDS = [
  { value: "", label: /*i18n*/ "Files and folders" },
  { value: "file", label: /*i18n*/ "Files" },
  { value: "folder", label: /*i18n*/ "Folders" },
] as const;
const SORTS = [
  { sort: "modified", order: "desc", label: /*i18n*/ "Last modified" },
  { sort: "modified", order: "asc", label: /*i18n*/ "Longest unmodified" },
  { sort: "created", order: "desc", label: /*i18n*/ "Last created" },
  { sort: "size", order: "desc", label: /*i18n*/ "Largest" },
  { sort: "size", order: "asc", label: /*i18n*/ "Smallest" },
] as const;
const META = /^(meta\.[a-z0-9-]{1,64})=(.*)$/;

/** The parameters of the address that filter by custom metadata: `meta.author`. */
function metadataOf(query: URLSearchParams): Record<string, string> {
  return Object.fromEntries([...query].filter(([name]) => name.startsWith("meta.")));
}

const before = (days: string) => (days ? new Date(Date.now() - Number(days) * DAY_MS).toISOString() : undefined);

function change(query: URLSearchParams, name: string, value: string): void {
  const next = new URLSearchParams(query);
  if (value) next.set(name, value);
  else next.delete(name);
  navigate(`/search?${next}`, { replace: true });
}

function sortBy(query: URLSearchParams, label: string): void {
  const next = new URLSearchParams(query);
  const { sort, order } = SORTS.find((one) => one.label === label) ?? { sort: "", order: "" };
  for (const [name, value] of Object.entries({ sort, order })) {
    if (value) next.set(name, value);
    else next.delete(name);
  }
  navigate(`/search?${next}`, { replace: true });
}

export default function SearchPage() {
  const account = useAccount();
  const { query } = useWhere();
  const text = query.get("q") ?? "";
  const type = query.get("type") ?? "";
  const since = query.get("since") ?? "";
  const created = query.get("created") ?? "";
  const kind = KINDS.find(({ value }) => value === query.get("kind"))?.value ?? "";
  const sorted = SORTS.find(({ sort, order }) => sort === query.get("sort") && order === (query.get("order") ?? "desc"));
  const meta = metadataOf(query);
  const tags = query.getAll("tag");
  const fixed = Object.fromEntries(FIXED.map((name) => [name, query.get(name) ?? undefined]));
  const premium = account.plan === "premium";
  const inside = premium && query.get("in") !== "name";
  const [active, setActive] = useState(-1);
  const list = useRef<HTMLUListElement>(null);

  const response = useInfiniteQuery({
    queryKey: ["search", text, inside, type, since, created, kind, sorted, meta, tags, fixed],
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) =>
      call("get /v1/search", {
        query: {
          q: text,
          in: inside ? "content" : "name",
          type: type || undefined,
          tag: tags.length > 0 ? tags : undefined,
          kind: kind || undefined,
          sort: sorted?.sort,
          order: sorted?.order,
          meta,
          ...fixed,
          modified_after: before(since) ?? fixed.modified_after,
          created_after: before(created) ?? fixed.created_after,
          limit: PAGE,
          cursor: pageParam || undefined,
        },
        signal,
      }),
    getNextPageParam: (page) => page.next_cursor,
  });
  const hits = useMemo(() => response.data?.pages.flatMap((page) => page.items) ?? [], [response.data]);
  const total = response.data?.pages[0]?.total ?? 0;
  useTitle(text || i18n.t("Search"));
  useEffect(() => setActive(-1), [text]);
  // Without hits nothing else there takes the focus, and with it the keys that scroll.
  const tabIndex = hits.length === 0 ? 0 : undefined;

  function open({ file }: SearchHit): void {
    if (file.kind === "file") viewFile(file, hits.map((hit) => hit.file));
    else navigate(folderHref(file.id, account.id));
  }
  function onKeyDown(event: KeyboardEvent): void {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(hits.length - 1, active + step));
    setActive(next);
    list.current?.querySelectorAll<HTMLButtonElement>("button.hit")[next]?.focus();
  }
  return (
    <section className="search-page" aria-label={i18n.t("Search results")}>
      <div className="page-head">
        <h1>{text ? i18n.t("Results for “{text}”", { text }) : i18n.t("Search")}</h1>
        <span className="count" role="status">
          {response.data && i18n.t("{total} found", { total: count(total) })}
        </span>
      </div>
      <div className="toolbar" role="toolbar" aria-label={i18n.t("Filters")}>
        {premium && (
          <select
            aria-label={i18n.t("Search in")}
            value={inside ? "content" : "name"}
            onChange={(event) => change(query, "in", event.target.value)}
          >
            <option value="content">{i18n.t("Names and content")}</option>
            <option value="name">{i18n.t("Names only")}</option>
          </select>
        )}
        <select
          aria-label={i18n.t("Type")}
          value={type}
          onChange={(event) => change(query, "type", event.target.value)}
        >
          {TYPES.map(({ value, label }) => (
            <option key={value} value={value}>
              {i18n.t(label)}
            </option>
          ))}
        </select>
        <select
          aria-label={i18n.t("Kind")}
          value={kind}
          onChange={(event) => change(query, "kind", event.target.value)}
        >
          {KINDS.map(({ value, label }) => (
            <option key={value} value={value}>
              {i18n.t(label)}
            </option>
          ))}
        </select>
        <Since label={i18n.t("Modified")} value={since} onChange={(value) => change(query, "since", value)} />
        <Since label={i18n.t("Created")} value={created} onChange={(value) => change(query, "created", value)} />
        <select
          aria-label={i18n.t("Sort by")}
          value={sorted?.label ?? ""}
          onChange={(event) => sortBy(query, event.target.value)}
        >
          <option value="">{i18n.t("Best match first")}</option>
          {SORTS.map(({ label }) => (
            <option key={label} value={label}>
              {i18n.t(label)}
            </option>
          ))}
        </select>
        <MetadataFilter onAdd={(name, value) => change(query, name, value)} />
        {Object.entries(meta).map(([name, value]) => (
          <button key={name} className="tool" onClick={() => change(query, name, "")}>
            {name.slice(5)}: {value} ×
          </button>
        ))}
        {tags.length > 0 && (
          <button className="tool" onClick={() => change(query, "tag", "")}>
            {i18n.t("Tag: {tags}", { tags: tags.join(", ") })} ×
          </button>
        )}
        {Object.entries(fixed).map(
          ([name, value]) =>
            value && (
              <button key={name} className="tool" onClick={() => change(query, name, "")}>
                {name.replace("_", " ")}: {value} ×
              </button>
            ),
        )}
        <SavedSearches query={query} inside={inside} />
      </div>
      <div className="search-results" tabIndex={tabIndex}>
        {!premium && <Hint />}
        {response.error && !response.data ? (
          <Failed error={response.error} onRetry={() => void response.refetch()} />
        ) : !response.data ? (
          <Spinner />
        ) : hits.length === 0 ? (
          <Empty icon={<Search size={40} />} title={i18n.t("Nothing found")}>
            <p>
              {type || since || created || kind || tags.length > 0 || Object.keys(meta).length > 0
                ? i18n.t("Try fewer or shorter words, or fewer filters.")
                : i18n.t("Try fewer or shorter words.")}
            </p>
          </Empty>
        ) : (
          <ul ref={list} className="hits" onKeyDown={onKeyDown}>
            {hits.map((hit) => (
              <li key={hit.file.id}>
                <button className="hit" onClick={() => open(hit)}>
                  <Thumbnail file={hit.file} size={24} />
                  <span className="hit-text">
                    <span className="name" dir="auto">
                      {hit.file.name}
                    </span>
                    {hit.snippet && <Snippet html={hit.snippet} />}
                    <span className="muted">
                      {parentOf(hit.file.path)} · {when(hit.file.modified_at)}
                      {hit.file.kind === "file" && ` · ${size(hit.file.size)}`}
                    </span>
                  </span>
                  {hit.file.tags.map((name) => (
                    <span key={name} className="tag">
                      {name}
                    </span>
                  ))}
                </button>
                <Link className="hit-folder" href={containingHref(hit.file, account.id)}>
                  {i18n.t("Open folder")}
                </Link>
              </li>
            ))}
          </ul>
        )}
        <ShowMore list={response} className="button more" />
      </div>
    </section>
  );
}

function Since({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  return (
    <select aria-label={label} value={value} onChange={(event) => onChange(event.target.value)}>
      {SINCE.map((choice) => (
        <option key={choice.value} value={choice.value}>
          {i18n.t(choice.label, { label })}
        </option>
      ))}
      {!SINCE.some((choice) => choice.value === value) && (
        <option value={value}>
          {i18n.t("{label} in the last {days, plural, one {day} other {# days}}", { label, days: Number(value) })}
        </option>
      )}
    </select>
  );
}

/** Takes `name=value`, or `name: value`. */
function MetadataFilter({ onAdd }: { onAdd: (name: string, value: string) => void }) {
  const [text, setText] = useState("");
  return (
    <Form
      className="filter"
      onSubmit={() => {
        const [, name, value] = META.exec(`meta.${text.trim().replace(/\s*[:=]\s*/, "=")}`) ?? [];
        if (!name || !value) return;
        onAdd(name, value);
        setText("");
      }}
    >
      <input
        type="search"
        aria-label={i18n.t("Filter by metadata")}
        placeholder={i18n.t("Metadata: author=Ada")}
        value={text}
        autoCapitalize="none"
        autoComplete="off"
        onChange={(event) => setText(event.target.value)}
      />
    </Form>
  );
}

function Hint() {
  return (
    <p className="hint">
      <Sparkles size={16} aria-hidden="true" />
      <span>
        {i18n.t(
          "On the free plan names and tags are searched. Premium also searches the text of documents, scans and images included.",
        )}
      </span>
      <Link href="/settings/plan">{i18n.t("Compare plans")}</Link>
    </p>
  );
}
