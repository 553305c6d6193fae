import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { queryClient } from "@/api/queries";
import type { FileItem } from "@/api/types";
import { isReadable } from "@/files/retrieval";
import { Toasts } from "@/ui/toasts";
import ColdStorage from "@/viewer/ColdStorage";

const FILE = { id: "one", name: "tax.pdf", kind: "file" } as unknown as FileItem;
const HOURS_5 = 18_000;

/** A server that keeps the file in cold storage until it is requested; what it was sent. */
function serve(state: "available" | "archived" | "requested"): string[] {
  const sent: string[] = [];
  vi.stubGlobal("fetch", async (path: string, { method = "GET" }: RequestInit = {}) => {
    if (method === "POST") {
      sent.push(path);
      state = "requested";
    }
    return new Response(JSON.stringify({ state, expected_at: null, estimate_seconds: HOURS_5 }));
  });
  return sent;
}

const show = (part?: React.ReactNode) =>
  render(<QueryClientProvider client={queryClient}>{part}<Toasts /></QueryClientProvider>);

beforeEach(() => queryClient.clear());

describe("a file in cold storage", () => {
  test("says how long retrieving takes, and is requested by a click", async () => {
    const sent = serve("archived");
    show(<ColdStorage file={FILE} version={2} found={{ state: "archived", expected_at: null, estimate_seconds: HOURS_5 }} />);
    expect(screen.getByText(/takes about 5 hours/)).toBeTruthy();
    await userEvent.click(screen.getByRole("button", { name: "Retrieve" }));
    await screen.findByText(/was requested. You will be notified/);
    await waitFor(() => expect(sent).toEqual(["/v1/files/one/retrieval?version=2"]));
  });

  test("is not downloaded but can be requested from the notice", async () => {
    const sent = serve("archived");
    show();
    expect(await isReadable(FILE)).toBe(false);
    await userEvent.click(await screen.findByRole("button", { name: "Retrieve" }));
    await waitFor(() => expect(sent).toHaveLength(1));
    expect(await isReadable(FILE)).toBe(false);
    await screen.findByText(/is being retrieved from cold storage/);
  });

  test("is downloaded once it is back", async () => {
    serve("available");
    expect(await isReadable(FILE)).toBe(true);
  });
});
