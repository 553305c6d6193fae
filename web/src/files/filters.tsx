/** Filters of a folder: type, and text in names or tags. */
import { ListFilter } from "lucide-react";
import { useState } from "react";
import type { FileItem } from "@/api/types";

const TYPES = [
  { value: "", label: "All types" },
  { value: "image/*", label: "Images" },
  { value: "video/*", label: "Videos" },
  { value: "audio/*", label: "Audio" },
  { value: "application/pdf", label: "PDFs" },
  { value: "text/*", label: "Text" },
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
        <span className="sr-only">Filter this folder</span>
        <input
          type="search"
          placeholder="Filter this folder"
          value={filters.filter}
          onChange={(event) => filters.setFilter(event.target.value)}
        />
      </label>
      <select aria-label="Type" value={filters.type} onChange={(event) => filters.setType(event.target.value)}>
        {TYPES.map(({ value, label }) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    </>
  );
}
