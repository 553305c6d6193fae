/** Live view of published events. */
import { i18n } from "@lingui/core";
import { useEffect, useState } from "react";
import { stream } from "@/api/stream";
import { Empty } from "@/ui/states";

const SHOWN = 200;

interface EventText {
  number: number;
  text: string;
}

export function Events() {
  const [events, setEvents] = useState<EventText[]>([]);
  const [paused, setPaused] = useState(false);
  const [lost, setLost] = useState(false);
  useEffect(() => {
    if (paused) return undefined;
    let number = 0;
    return stream({
      url: () => "/v1/admin/events",
      opened: () => setLost(false),
      lost: () => setLost(true),
      on: {
        event: ({ data: text }) => {
          number += 1;
          const one = { number: Date.now() * 1000 + number, text };
          setEvents((before) => [one, ...before].slice(0, SHOWN));
        },
      },
    });
  }, [paused]);
  return (
    <>
      <button className="button" aria-pressed={paused} onClick={() => setPaused(!paused)}>
        {paused ? i18n.t("Continue") : i18n.t("Pause")}
      </button>{" "}
      <span className="muted" role="status">
        {lost && !paused && i18n.t("Reconnecting…")}
      </span>
      {events.length === 0 ? (
        <Empty title={i18n.t("Nothing yet")}>{!lost && i18n.t("Events appear here as they happen.")}</Empty>
      ) : (
        <ul className="letters" aria-label={i18n.t("Events")}>
          {events.map(({ number, text }) => (
            <li key={number}>
              <pre>{text}</pre>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
