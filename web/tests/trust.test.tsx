import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import { TrustLink } from "@/settings/TrustLink";

afterEach(cleanup);

/** What the settings show where the root's address answers so. */
function shown(answer: () => Promise<Response>): void {
  vi.stubGlobal("fetch", vi.fn(answer));
  render(
    <QueryClientProvider client={new QueryClient()}>
      <TrustLink />
    </QueryClientProvider>,
  );
}

test("a stack with a local authority has a link to the page that offers its root", async () => {
  shown(async () => new Response(null, { headers: { "content-type": "application/x-x509-ca-cert" } }));
  expect(await screen.findByRole("link")).toHaveProperty("pathname", "/trust/");
});

test.each([
  ["the page itself", async () => new Response(null, { headers: { "content-type": "text/html; charset=utf-8" } })],
  ["an error", async () => new Response(null, { status: 404 })],
  ["nothing", async () => Promise.reject(new TypeError("offline"))],
])("others have none: %s", async (_, answer) => {
  shown(answer);
  await vi.waitFor(() => expect(fetch).toHaveBeenCalled());
  await new Promise((resolve) => setTimeout(resolve));
  expect(screen.queryByRole("link")).toBeNull();
});
