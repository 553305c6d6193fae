/** Menu of saved searches: run one, save the current one, delete. */
import { i18n } from "@lingui/core";
import { useQuery } from "@tanstack/react-query";
import { Bookmark } from "lucide-react";
import { useState } from "react";
import { call } from "@/api/client";
import { queryClient } from "@/api/queries";
import type { SavedSearch } from "@/api/types";
import { navigate } from "@/lib/router";
import { addressOf, filtersOf } from "@/search/saved";
import { attempt } from "@/ui/attempt";
import { Dialog, FormButtons } from "@/ui/dialog";
import { Field } from "@/ui/field";
import { useAction } from "@/ui/form";
import { Menu } from "@/ui/menu";

const KEY = ["saved-searches"];
const refresh = () => queryClient.invalidateQueries({ queryKey: KEY });

export function SavedSearches({ query, inside }: { query: URLSearchParams; inside: boolean }) {
  const [open, setOpen] = useState<"save" | "delete" | null>(null);
  const saved = useQuery({ queryKey: KEY, queryFn: () => call("get /v1/me/saved-searches") });
  const searches = saved.data?.items ?? [];
  return (
    <>
      <Menu
        label={i18n.t("Saved searches")}
        className="tool"
        placement="bottom start"
        button={
          <>
            <Bookmark size={16} aria-hidden="true" /> {i18n.t("Saved searches")}
          </>
        }
        choices={[
          ...searches.map((search) => ({ id: search.id, label: search.name, run: () => navigate(addressOf(search)) })),
          { id: "save", label: i18n.t("Save this search"), apart: searches.length > 0, run: () => setOpen("save") },
          ...(searches.length > 0
            ? [{ id: "delete", label: i18n.t("Delete saved searches"), run: () => setOpen("delete") }]
            : []),
        ]}
      />
      {open === "save" && <SaveDialog query={query} inside={inside} onClose={() => setOpen(null)} />}
      {open === "delete" && <DeleteDialog searches={searches} onClose={() => setOpen(null)} />}
    </>
  );
}

function SaveDialog({ query, inside, onClose }: { query: URLSearchParams; inside: boolean; onClose: () => void }) {
  const q = query.get("q") ?? "";
  const [name, setName] = useState(q.slice(0, 100));
  const { busy, run } = useAction();
  async function save(): Promise<void> {
    const body = { name, q, filters: filtersOf(query, inside) };
    if (!(await attempt(() => call("post /v1/me/saved-searches", { body }), i18n.t("Search saved.")))) return;
    onClose();
    await refresh();
  }
  return (
    <Dialog
      title={i18n.t("Save this search")}
      onClose={onClose}
      onSubmit={() => void run(save)}
      footer={<FormButtons submit={i18n.t("Save")} disabled={busy} onClose={onClose} />}
    >
      <Field
        label={i18n.t("Name")}
        required
        autoFocus
        maxLength={100}
        value={name}
        hint={i18n.t("The words and filters of this search are saved.")}
        onChange={(event) => setName(event.target.value)}
      />
    </Dialog>
  );
}

function DeleteDialog({ searches, onClose }: { searches: SavedSearch[]; onClose: () => void }) {
  function remove({ id, name }: SavedSearch): void {
    const path = { saved_search_id: id };
    void attempt(
      () => call("delete /v1/me/saved-searches/{saved_search_id}", { path }),
      i18n.t("Deleted “{name}”.", { name }),
    ).then(refresh);
  }
  return (
    <Dialog title={i18n.t("Saved searches")} onClose={onClose}>
      <ul className="people">
        {searches.map((search) => (
          <li key={search.id}>
            <span className="person">{search.name}</span>
            <button className="button" aria-label={i18n.t("Delete {name}", { name: search.name })} onClick={() => remove(search)}>
              {i18n.t("Delete")}
            </button>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
