/** Settings of incoming shares, and blocked people. */
import { i18n } from "@lingui/core";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "@/api/client";
import { keys, queryClient } from "@/api/queries";
import type { BlockedPerson } from "@/api/types";
import { when } from "@/lib/format";
import { decide } from "@/sharing/decide";
import { attempt } from "@/ui/attempt";
import { Field, Switch } from "@/ui/field";
import { Form } from "@/ui/form";
import { Failed, ShowMore, Spinner } from "@/ui/states";

export function SharingSection() {
  return (
    <>
      <Acceptance />
      <Blocked />
    </>
  );
}

function Acceptance() {
  const settings = useQuery({ queryKey: keys.shareSettings, queryFn: () => call("get /v1/me/sharing") });
  if (settings.error) return <Failed error={settings.error} onRetry={() => void settings.refetch()} />;
  if (!settings.data) return <Spinner />;
  const asks = settings.data.share_acceptance === "ask";
  return (
    <section>
      <h2>{i18n.t("Shared with you")}</h2>
      <Switch
        label={i18n.t("Ask before adding files from people who haven't shared with you before")}
        checked={asks}
        onChange={() => void choose(asks ? "automatic" : "ask")}
      />
    </section>
  );
}

async function choose(share_acceptance: "automatic" | "ask"): Promise<void> {
  await attempt(async () => {
    const chosen = await call("put /v1/me/sharing", { body: { share_acceptance } });
    queryClient.setQueryData(keys.shareSettings, chosen);
  }, i18n.t("Saved."));
}

function Blocked() {
  const [address, setAddress] = useState("");
  const list = useInfiniteQuery({
    queryKey: keys.blocked,
    initialPageParam: "",
    queryFn: ({ pageParam }) => call("get /v1/blocked-people", { query: { cursor: pageParam || undefined } }),
    getNextPageParam: (page) => page.next_cursor,
  });
  const people = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <section>
      <h2>{i18n.t("Blocked people")}</h2>
      <p className="muted">{i18n.t("Their shares are removed from your account. They aren’t notified.")}</p>
      <Form
        onSubmit={() => {
          const person = address.trim();
          void decide(
            () => call("put /v1/blocked-people/{person}", { path: { person } }),
            i18n.t("Blocked {person}.", { person }),
          ).then((done) => done && setAddress(""));
        }}
      >
        <Field
          label={i18n.t("Email")}
          type="email"
          required
          value={address}
          onChange={(event) => setAddress(event.target.value)}
        />
        <button className="button" type="submit">
          {i18n.t("Block")}
        </button>
      </Form>
      {list.error && !list.data && <Failed error={list.error} onRetry={() => void list.refetch()} />}
      <ul className="people" aria-label={i18n.t("Blocked people")}>
        {people.map((one) => (
          <Person key={one.id} one={one} />
        ))}
      </ul>
      <ShowMore list={list} />
    </section>
  );
}

function Person({ one }: { one: BlockedPerson }) {
  const who = one.name ?? one.email ?? one.id;
  return (
    <li>
      <span className="person">
        {who}
        <span className="muted">{i18n.t("Blocked {at}", { at: when(one.blocked_at) })}</span>
      </span>
      <button
        className="button"
        type="button"
        aria-label={i18n.t("Unblock {who}", { who })}
        onClick={() =>
          void decide(
            () => call("delete /v1/blocked-people/{person}", { path: { person: one.id } }),
            i18n.t("Unblocked {who}.", { who }),
          )
        }
      >
        {i18n.t("Unblock")}
      </button>
    </li>
  );
}
