/** View options of a list: sort order, list or grid. Stored in the browser. */
import { i18n } from "@lingui/core";
import { ArrowDownUp, LayoutGrid, List } from "lucide-react";
import { useState } from "react";
import type { ListOptions, SortKey } from "@/api/queries";
import { recall, remember } from "@/lib/theme";
import { Menu } from "@/ui/menu";

const SORT_KEY = "docstore.sort";
const VIEW_KEY = "docstore.view";
const SORTS: { key: SortKey; label: string }[] = [
  { key: "name", label: /*i18n*/ "Name" },
  { key: "modified", label: /*i18n*/ "Modified" },
  { key: "created", label: /*i18n*/ "Created" },
  { key: "size", label: /*i18n*/ "Size" },
];

type Sort = Pick<ListOptions, "sort" | "order">;
type View = "list" | "grid";

export interface ListView {
  sort: Sort;
  /** By the key, and the other way round if it is in that order already. */
  sortBy: (key: SortKey) => void;
  view: View;
  show: (view: View) => void;
}

function storedSort(): Sort {
  const [sort, order] = (recall(SORT_KEY) ?? "").split(" ");
  const known = SORTS.some(({ key }) => key === sort);
  return { sort: known ? (sort as SortKey) : "name", order: order === "desc" ? "desc" : "asc" };
}

export function useListView(): ListView {
  const [sort, setSort] = useState(storedSort);
  const [view, setView] = useState<View>(() => (recall(VIEW_KEY) === "grid" ? "grid" : "list"));

  function sortBy(key: SortKey): void {
    const order = sort.sort === key && sort.order === "asc" ? "desc" : "asc";
    setSort({ sort: key, order });
    remember(SORT_KEY, `${key} ${order}`);
  }
  function show(next: View): void {
    setView(next);
    remember(VIEW_KEY, next);
  }
  return { sort, sortBy, view, show };
}

export function ListViewControls({ listView: { sort, sortBy, view, show } }: { listView: ListView }) {
  return (
    <>
      <Menu
        label={i18n.t("Sort by")}
        button={<ArrowDownUp size={18} />}
        choices={SORTS.map(({ key, label }) => ({
          id: key,
          label: i18n.t(label),
          
          checked: sort.sort === key,
          run: () => sortBy(key),
        }))}
      />
      <button
        className="icon-button"
        aria-label={view === "list" ? i18n.t("Show as grid") : i18n.t("Show as list")}
        onClick={() => show(view === "list" ? "grid" : "list")}
      >
        {view === "list" ? <LayoutGrid size={18} /> : <List size={18} />}
      </button>
    </>
  );
}
