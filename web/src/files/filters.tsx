/** Filters of a folder: type, and text in names or tags. */
import { i18n } from "@lingui/core";
import { ListFilter } from "lucide-react";
import { useState } from "react";
import type { FileItem } from "@/api/types";

const TYPES = [
  { value: "", label: /*i18n*/ "All types" },
  { value: "image/*", label: /*i18n*/ "Images" },
  { value: "video/*", label: /*i18n*/ "Videos" },
  { value: "audio/*", label: /*i18n*/ "Audio" },
  { value: "application/pdf", label: "PDFs" },
  { value: "text/*", label: /*i18n*/ "Text" },
];

export interface Filters {
  type: string;
  setType: (type: string) => void;
  filter: string;
  setFilter: (filter: string) => void;
}

export function useFilters(): Filters {
  const [type, setType] = useState("");
  const [filter, setFilter] = useState("");
  return { type, setType, filter, setFilter };
}

export function applyFilters(items: FileItem[], filter: string): FileItem[] {
  const wanted = filter.trim().toLocaleLowerCase();
  return wanted ? items.filter((item) => matches(item, wanted)) : items;
}

function matches(item: FileItem, wanted: string): boolean {
  return (
    item.name.toLocaleLowerCase().includes(wanted) ||
    item.tags.some((tag) => tag.toLocaleLowerCase().includes(wanted))
  );
}

export function FilterControls({ filters }: { filters: Filters }) {
  return (
    <>
      <label className="filter">
        <ListFilter size={16} aria-hidden="true" />
        <span className="sr-only">{i18n.t("Filter this folder")}</span>
        <input
          type="search"
          placeholder={i18n.t("Filter")}
          value={filters.filter}
          onChange={(event) => filters.setFilter(event.target.value)}
        />
      </label>
      <select aria-label={i18n.t("Type")} value={filters.type} onChange={(event) => filters.setType(event.target.value)}>
        {TYPES.map(({ value, label }) => (
          <option key={value} value={value}>
            {i18n.t(label)}
          </option>
        ))}
      </select>
    </>
  );
}
