/** What the services say, as they say it. */
import { useEffect, useState } from "react";
import { refresh } from "@/api/session";
import { Empty } from "@/ui/states";

const SHOWN = 200;

interface Heard {
  number: number;
  text: string;
}

export function Events() {
  const [heard, setHeard] = useState<Heard[]>([]);
  const [paused, setPaused] = useState(false);
  useEffect(() => {
    if (paused) return undefined;
    let source: EventSource | null = null;
    let number = 0;
    function connect(): void {
      source = new EventSource("/v1/admin/events");
      source.addEventListener("event", (event) => {
        const text = event.data as string;
        number += 1;
        const one = { number: Date.now() * 1000 + number, text };
        setHeard((before) => [one, ...before].slice(0, SHOWN));
      });
      source.addEventListener("token_expired", () => {
        source?.close();
        void refresh().then(connect);
      });
    }
    connect();
    return () => source?.close();
  }, [paused]);
  return (
    <>
      <button className="button" aria-pressed={paused} onClick={() => setPaused(!paused)}>
        {paused ? "Continue" : "Pause"}
      </button>
      {heard.length === 0 ? (
        <Empty title="Nothing yet">Events appear here as they happen.</Empty>
      ) : (
        <ul className="letters" aria-label="Events">
          {heard.map(({ number, text }) => (
            <li key={number}>
              <pre>{text}</pre>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
