/** Invitations on the page of what is shared, and blocked people in the settings. */
import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";
import { queryClient } from "@/api/queries";
import { SharingSection } from "@/settings/SharingSection";
import { Invitations } from "@/sharing/Invitations";
import { Toasts } from "@/ui/toasts";

const AT = "2026-01-01T00:00:00Z";
const INVITATION = {
  id: "s1", name: "plan.pdf", kind: "file", role: "viewer", owner_id: "eve", owner_name: "Eve", owner_email: "eve@example.org",
  owner_email_verified: false, shared_at: AT,
};
const json = (body: unknown) => new Response(JSON.stringify(body));

/** A server with these answers by call; what is not there is empty. The changing calls that were made, with bodies. */
function serve(answers: Record<string, unknown>): string[] {
  const calls: string[] = [];
  vi.stubGlobal("fetch", async (path: string, { method = "GET", body }: RequestInit = {}) => {
    if (method !== "GET") calls.push(`${method} ${path}${body ? ` ${String(body)}` : ""}`);
    if (method === "DELETE") return new Response(null, { status: 204 });
    return json(answers[`${method} ${path.split("?")[0]}`] ?? { items: [], next_cursor: null });
  });
  return calls;
}

const show = (page: React.ReactElement) =>
  render(
    <QueryClientProvider client={queryClient}>
      {page}
      <Toasts />
    </QueryClientProvider>,
  );

beforeEach(() => queryClient.clear());

test.each([
  ["Accept plan.pdf", "POST /v1/share-invitations/s1/accept"],
  ["Decline plan.pdf", "DELETE /v1/share-invitations/s1"],
  ["Block Eve", "PUT /v1/blocked-people/eve"],
])("an invitation names the sender's address, and is gone after %s", async (button, call) => {
  const answers: Record<string, unknown> = { "GET /v1/share-invitations": { items: [INVITATION], next_cursor: null } };
  const calls = serve(answers);
  show(<Invitations />);
  const list = await screen.findByRole("region", { name: "Invitations" });
  expect(list.textContent).toContain("Eve (eve@example.org, not verified)");
  delete answers["GET /v1/share-invitations"];
  await userEvent.click(within(list).getByRole("button", { name: button }));
  await waitFor(() => expect(screen.queryByRole("region", { name: "Invitations" })).toBeNull());
  expect(calls).toEqual([call]);
});

test("nothing is shown without invitations", async () => {
  serve({});
  const { container } = show(<Invitations />);
  await waitFor(() => expect(queryClient.isFetching()).toBe(0));
  expect(container.textContent).not.toContain("Invitations");
});

test("people are blocked by their address, listed and unblocked", async () => {
  const person = { id: "eve@example.org", name: null, email: "eve@example.org", blocked_at: AT };
  const calls = serve({ "GET /v1/blocked-people": { items: [person], next_cursor: null }, "GET /v1/me/sharing": { share_acceptance: "automatic" } });
  show(<SharingSection />);
  await userEvent.type(await screen.findByLabelText("Email"), "mallory@example.org");
  await userEvent.click(screen.getByRole("button", { name: "Block" }));
  await userEvent.click(await screen.findByRole("button", { name: "Unblock eve@example.org" }));
  await waitFor(() => expect(calls.map(decodeURIComponent)).toEqual(["PUT /v1/blocked-people/mallory@example.org", "DELETE /v1/blocked-people/eve@example.org"]));
});

test("being asked first is switched on", async () => {
  const calls = serve({
    "GET /v1/me/sharing": { share_acceptance: "automatic" },
    "PUT /v1/me/sharing": { share_acceptance: "ask" },
  });
  show(<SharingSection />);
  const ask = await screen.findByRole("switch", { name: /^Ask before/ });
  await userEvent.click(ask);
  await waitFor(() => expect((ask as HTMLInputElement).checked).toBe(true));
  expect(calls).toEqual(['PUT /v1/me/sharing {"share_acceptance":"ask"}']);
});
