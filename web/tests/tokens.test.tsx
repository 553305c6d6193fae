import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";
import { keys, queryClient } from "@/api/queries";
import { TokensSection } from "@/settings/TokensSection";
import { Toasts } from "@/ui/toasts";

const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
const KNOWN = {
  id: "t1", name: "Scanner", scopes: ["files:write"], path: "/scans", folder_id: "f1",
  created_at: "2026-11-01T00:00:00Z", expires_at: null, last_used_at: null,
};

/** A server with one token, which creates others in existing folders; what it was sent. */
function serve() {
  let tokens = [KNOWN];
  const sent: [string, unknown][] = [];
  vi.stubGlobal("fetch", async (path: string, { method = "GET", body }: RequestInit = {}) => {
    const given = body ? JSON.parse(String(body)) : undefined;
    if (method !== "GET") sent.push([`${method} ${path}`, given]);
    if (method === "DELETE") tokens = [];
    if (method === "DELETE") return new Response(null, { status: 204 });
    if (method === "GET") return json({ items: tokens, next_cursor: null });
    if (given.path === "/nowhere") return json({ status: 404, code: "not_found", detail: "There is no such folder." }, 404);
    tokens = [{ ...KNOWN, ...given, id: "t2" }, ...tokens];
    return json({ ...tokens[0], token: "dst_secret" }, 201);
  });
  return sent;
}

const show = () =>
  render(
    <QueryClientProvider client={queryClient}>
      <TokensSection />
      <Toasts />
    </QueryClientProvider>,
  );

beforeEach(() => {
  queryClient.clear();
  queryClient.setQueryData(keys.me, { id: "ann", role: "user", usage: { reserved: 0 } });
});

test("a created token is shown once, with what it was created for in the list", async () => {
  const sent = serve();
  show();
  await userEvent.type(await screen.findByLabelText("Name"), "Backup");
  await userEvent.click(screen.getByRole("switch", { name: /Share with people/ }));
  await userEvent.click(screen.getByRole("button", { name: "Create token" }));
  expect(await screen.findByLabelText("API token")).toHaveProperty("value", "dst_secret");
  expect(await screen.findByText("Backup")).toBeDefined();
  const body = { name: "Backup", scopes: ["files:read", "shares"], path: null, expires_at: null };
  expect(sent).toEqual([["POST /v1/me/tokens", body]]);
  await userEvent.click(screen.getByRole("button", { name: "Done" }));
  expect(screen.queryByLabelText("API token")).toBeNull();
  expect(screen.queryByText(/administrators/)).toBeNull();
});

test("a refused token says why, and keeps what was entered", async () => {
  serve();
  show();
  await userEvent.type(await screen.findByLabelText("Name"), "Backup");
  await userEvent.type(screen.getByLabelText("Folder (optional)"), "/nowhere");
  await userEvent.click(screen.getByRole("button", { name: "Create token" }));
  expect((await screen.findByRole("alert")).textContent).toBe("There is no such folder.");
  expect(screen.getByLabelText("Name")).toHaveProperty("value", "Backup");
});

test("a token shows its folder, and is revoked by its button", async () => {
  const sent = serve();
  show();
  expect(await screen.findByText(/only \/scans/)).toBeDefined();
  await userEvent.click(screen.getByRole("button", { name: "Revoke Scanner" }));
  expect(await screen.findByText("Revoked “Scanner”.")).toBeDefined();
  expect(screen.queryByText("Scanner")).toBeNull();
  expect(sent).toEqual([["DELETE /v1/me/tokens/t1", undefined]]);
});
