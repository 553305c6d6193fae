/** Where this folder lies; each part leads there, and takes what is dropped on it. */
import { ChevronRight } from "lucide-react";
import { queryClient, keys } from "@/api/queries";
import type { FileItem } from "@/api/types";
import { folderDrop } from "@/files/dragging";
import { hrefOf, type Place } from "@/lib/places";
import { Link } from "@/lib/router";

export function Breadcrumbs({ place, folder }: { place: Place; folder?: FileItem }) {
  const names = place.path.split("/").filter(Boolean);
  const start =
    place.base === null
      ? [{ name: "My files", place: { base: null, path: "/" } }]
      : [
          { name: "Shared with me", place: null },
          { name: nameOfBase(place, folder), place: { base: place.base, path: "/" } },
        ];
  const parts = [
    ...start,
    ...names.map((name, index) => ({
      name,
      place: { base: place.base, path: `/${names.slice(0, index + 1).join("/")}` },
    })),
  ];
  return (
    <nav className="breadcrumbs" aria-label="Breadcrumb">
      <ol>
        {parts.map((part, index) => {
          const here = index === parts.length - 1;
          const known = part.place && queryClient.getQueryData<FileItem>(keys.folder(part.place));
          return (
            <li key={part.place ? hrefOf(part.place) : "shared"}>
              {index > 0 && <ChevronRight size={16} aria-hidden="true" />}
              {here ? (
                <h1 aria-current="page">{part.name}</h1>
              ) : (
                <Link href={part.place ? hrefOf(part.place) : "/shared"} {...(known ? folderDrop(known) : {})}>
                  {part.name}
                </Link>
              )}
            </li>
          );
        })}
      </ol>
    </nav>
  );
}

function nameOfBase(place: Place, folder: FileItem | undefined): string {
  const base = queryClient.getQueryData<FileItem>(keys.folder({ base: place.base, path: "/" }));
  return base?.name ?? (place.path === "/" ? folder?.name : undefined) ?? "…";
}
