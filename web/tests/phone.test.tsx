import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";
import { queryClient } from "@/api/queries";
import { PhoneSection } from "@/settings/PhoneSection";
import { Notifications } from "@/settings/SettingsPage";
import { Toasts } from "@/ui/toasts";

const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
const USUAL = { email: true, in_app: true, push: true };
const PREFERENCES = { upload_done: USUAL, new_device: { ...USUAL, sms: true } };
const NUMBER = "+6421234567";

/** A server that knows this phone, and verifies it with the code 123456; what it was sent. */
function serve(known: { phone_number: string | null; verified: boolean; unavailable?: string }) {
  const phone = { unavailable: null as string | null, ...known };
  const sent: [string, unknown][] = [];
  vi.stubGlobal("fetch", async (path: string, { method = "GET", body }: RequestInit = {}) => {
    const given = body ? JSON.parse(String(body)) : undefined;
    if (method !== "GET") sent.push([`${method} ${path}`, given]);
    if (path === "/v1/notifications/preferences") return json(method === "GET" ? PREFERENCES : given);
    if (method === "PUT") Object.assign(phone, given, { verified: false });
    if (method === "DELETE") Object.assign(phone, { phone_number: null, verified: false });
    if (method === "POST" && given.code !== "123456") return json({ status: 422, code: "wrong_code", detail: "Wrong code." }, 422);
    if (method === "POST") phone.verified = true;
    return method === "DELETE" ? new Response(null, { status: 204 }) : json(phone);
  });
  return sent;
}

const show = () =>
  render(
    <QueryClientProvider client={queryClient}>
      <PhoneSection />
      <Notifications />
      <Toasts />
    </QueryClientProvider>,
  );

beforeEach(() => queryClient.clear());

test("a phone number is verified by the code sent to it; then critical news have a switch for text messages", async () => {
  const sent = serve({ phone_number: null, verified: false });
  show();
  await userEvent.type(await screen.findByLabelText("Phone number"), "+64 21 (234) 567");
  await userEvent.click(screen.getByRole("button", { name: "Send code" }));
  expect(screen.queryByRole("switch", { name: "SMS" })).toBeNull();
  await userEvent.type(await screen.findByLabelText("Code"), "000000");
  await userEvent.click(screen.getByRole("button", { name: "Verify" }));
  await screen.findByText("Wrong code.");
  await userEvent.clear(screen.getByLabelText("Code"));
  await userEvent.type(screen.getByLabelText("Code"), "123 456");
  await userEvent.click(screen.getByRole("button", { name: "Verify" }));
  await screen.findByText("Verified");
  expect(sent).toEqual([
    ["PUT /v1/notifications/phone", { phone_number: NUMBER }],
    ["POST /v1/notifications/phone/verification", { code: "000000" }],
    ["POST /v1/notifications/phone/verification", { code: "123456" }],
  ]);
  await userEvent.click(await screen.findByRole("switch", { name: "SMS" }));
  const body = { ...PREFERENCES, new_device: { ...USUAL, sms: false } };
  await waitFor(() => expect(sent.at(-1)).toEqual(["PUT /v1/notifications/preferences", body]));
});

test("a new code can be sent, and the number removed", async () => {
  const sent = serve({ phone_number: NUMBER, verified: false });
  show();
  await userEvent.click(await screen.findByRole("button", { name: "Send a new code" }));
  await waitFor(() => expect(sent).toEqual([["PUT /v1/notifications/phone", { phone_number: NUMBER }]]));
  await userEvent.click(await screen.findByRole("button", { name: "Remove" }));
  await screen.findByLabelText("Phone number");
  expect(sent.at(-1)?.[0]).toBe("DELETE /v1/notifications/phone");
});

test("where no text messages can be sent, the reason is shown in place of the form", async () => {
  serve({ phone_number: null, verified: false, unavailable: "This channel does not work here." });
  show();
  await screen.findByText("This channel does not work here.");
  expect(screen.queryByLabelText("Phone number")).toBeNull();
  expect(screen.queryByRole("switch", { name: "SMS" })).toBeNull();
});
