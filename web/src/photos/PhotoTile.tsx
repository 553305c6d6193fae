/** One photo or video in the timeline. */
import { i18n } from "@lingui/core";
import { Play } from "lucide-react";
import type { Photo } from "@/api/types";
import { endDrag, startDrag } from "@/files/dragging";
import { CardPicture } from "@/files/FileGrid";
import { SelectButton } from "@/files/SelectButton";
import type { ListState } from "@/files/useListState";
import { kindOf } from "@/lib/media";

interface Props {
  photo: Photo;
  index: number;
  state: ListState;
  onOpen: (photo: Photo) => void;
  onMenu: (x: number, y: number) => void;
}

export function PhotoTile({ photo, index, state, onOpen, onMenu }: Props) {
  const selected = state.selection.selected.has(photo.id);
  const focused = state.selection.focus === index;
  const isVideo = kindOf(photo) === "video";
  return (
    <div
      id={`photo-${photo.id}`}
      role="gridcell"
      aria-selected={selected}
      aria-label={photo.name}
      title={photo.name}
      className={`photo${selected ? " selected" : ""}${focused ? " focused" : ""}`}
      draggable
      onClick={(event) => {
        if (event.detail > 1) return;
        const touched = matchMedia("(pointer: coarse)").matches;
        if (touched && state.chosen.length === 0) onOpen(photo);
        else state.choose(index, { toggle: touched || event.ctrlKey || event.metaKey, range: event.shiftKey });
      }}
      onDoubleClick={() => onOpen(photo)}
      onContextMenu={(event) => {
        event.preventDefault();
        if (!selected) state.choose(index);
        onMenu(event.clientX, event.clientY);
      }}
      onDragStart={(event) => startDrag(event, selected ? state.chosen : [photo])}
      onDragEnd={endDrag}
    >
      <CardPicture key={photo.version} file={photo} />
      {isVideo && <Play className="photo-video" size={20} aria-label={i18n.t("Video")} />}
      <SelectButton name={photo.name} selected={selected} onToggle={(range) => state.choose(index, { toggle: true, range })} />
    </div>
  );
}
