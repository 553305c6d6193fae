/** Dead letters: show, replay or discard them. */
import { i18n } from "@lingui/core";
import { useQuery } from "@tanstack/react-query";
import { call } from "@/api/client";
import { queryClient } from "@/api/queries";
import { attempt } from "@/ui/attempt";
import { Empty, Failed, Spinner } from "@/ui/states";

export function DeadLetters() {
  const key = ["admin", "dead-letters"];
  const letters = useQuery({ queryKey: key, queryFn: () => call("get /v1/admin/dead-letters", { query: { limit: 100 } }) });
  if (letters.error && !letters.data) return <Failed error={letters.error} onRetry={() => void letters.refetch()} />;
  if (!letters.data) return <Spinner />;
  async function act(work: () => Promise<unknown>, done: string): Promise<void> {
    await attempt(work, done);
    await queryClient.invalidateQueries({ queryKey: key });
  }
  const items = letters.data.items;
  if (items.length === 0) return <Empty title={i18n.t("No dead letters")}>{i18n.t("Every event has been handled.")}</Empty>;
  return (
    <ul className="letters">
      {items.map((letter) => {
        const id = String(letter.id);
        return (
          <li key={id}>
            <details>
              <summary>
                <strong>{String(letter.type ?? id)}</strong> <span className="muted">{String(letter.error ?? letter.reason ?? "")}</span>
              </summary>
              <pre>{JSON.stringify(letter, null, 2)}</pre>
            </details>
            <button
              className="button"
              onClick={() =>
                void act(
                  () => call("post /v1/admin/dead-letters/{letter_id}/replay", { path: { letter_id: id } }),
                  i18n.t("The event will be handled again."),
                )
              }
            >
              {i18n.t("Replay")}
            </button>
            <button
              className="button danger"
              onClick={() =>
                void act(
                  () => call("delete /v1/admin/dead-letters/{letter_id}", { path: { letter_id: id } }),
                  i18n.t("The event was discarded."),
                )
              }
            >
              {i18n.t("Discard")}
            </button>
          </li>
        );
      })}
    </ul>
  );
}
