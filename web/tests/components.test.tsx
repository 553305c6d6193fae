import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { logIn } from "@/api/session";
import { call } from "@/api/client";
import AuthPage from "@/auth/AuthPage";
import Markdown from "@/viewer/Markdown";
import { Confirm } from "@/ui/dialog";

interface Sent {
  method: string;
  path: string;
  headers: Record<string, string>;
}

/** A server: answers by "METHOD path", one after the other. */
function serve(answers: Record<string, Response[]>): Sent[] {
  const sent: Sent[] = [];
  vi.stubGlobal("fetch", async (path: string, wishes: RequestInit = {}) => {
    const method = wishes.method ?? "GET";
    sent.push({ method, path, headers: (wishes.headers ?? {}) as Record<string, string> });
    const answer = answers[`${method} ${path}`]?.shift();
    if (!answer) throw new TypeError(`nothing answers ${method} ${path}`);
    return answer;
  });
  return sent;
}

const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });
const session = (csrf: string) => json({ account: { id: "a" }, expires_in: 600, csrf_token: csrf }, 201);
const refused = (status: number, code: string) => json({ status, code, detail: "no" }, status);

beforeEach(() => localStorage.clear());

describe("calls", () => {
  test("what changes something carries the CSRF token, what reads does not", async () => {
    const sent = serve({
      "POST /web/session": [session("t1")],
      "GET /v1/me": [json({})],
      "DELETE /v1/files/7": [new Response(null, { status: 204 })],
    });
    await logIn("a@example.org", "secret");
    await call("get /v1/me");
    await call("delete /v1/files/{file_id}", { path: { file_id: "7" } });
    expect(sent.map((one) => one.headers["X-CSRF-Token"])).toEqual([undefined, undefined, "t1"]);
  });

  test("many that meet an expired session refresh it once, and are made again", async () => {
    const sent = serve({
      "GET /v1/me": [refused(401, "unauthorized"), refused(401, "unauthorized"), json({ id: "a" }), json({ id: "a" })],
      "POST /web/session/refresh": [session("t2")],
    });
    await Promise.all([call("get /v1/me"), call("get /v1/me")]);
    expect(sent.filter((one) => one.path.endsWith("/refresh"))).toHaveLength(1);
  });

  test("a session that is over is said", async () => {
    serve({ "GET /v1/me": [refused(401, "unauthorized")], "POST /web/session/refresh": [refused(401, "unauthorized")] });
    await expect(call("get /v1/me")).rejects.toThrow("logged out");
  });

  test("a server that is away is told from one that refuses", async () => {
    serve({});
    await expect(call("get /v1/me")).rejects.toThrow("can’t be reached");
  });
});

describe("log-in", () => {
  test("a wrong password is told to everyone, and can be tried again", async () => {
    serve({ "POST /web/session": [refused(401, "invalid_credentials"), session("t")] });
    const done = vi.fn();
    render(<AuthPage mode="log-in" onDone={done} />);
    await userEvent.type(screen.getByLabelText("Email"), "a@example.org");
    await userEvent.type(screen.getByLabelText("Password"), "wrong");
    await userEvent.click(screen.getByRole("button", { name: "Log in" }));
    expect((await screen.findByRole("alert")).textContent).toContain("Incorrect email or password");
    await userEvent.click(screen.getByRole("button", { name: "Log in" }));
    await waitFor(() => expect(done).toHaveBeenCalledOnce());
  });
});

describe("Markdown", () => {
  test("nothing of it becomes HTML, and dangerous links are no links", () => {
    const { container } = render(
      <Markdown text={"# Hi\n\n<script>alert(1)</script>\n\n<b onclick='x()'>b</b> [x](javascript:alert(1)) ![i](http://e.org/i.png)"} />,
    );
    expect(screen.getByRole("heading", { name: "Hi" })).toBeTruthy();
    expect(container.querySelector("script, b, img, [onclick], a")).toBeNull();
    expect(container.textContent).toContain("<script>");
  });

  test("lists, tables and links are shown", () => {
    render(<Markdown text={"- [x] done\n\n| a |\n|---|\n| 1 |\n\n[site](https://example.org)"} />);
    expect((screen.getByRole("checkbox", { name: "done" }) as HTMLInputElement).checked).toBe(true);
    expect(screen.getByRole("columnheader", { name: "a" })).toBeTruthy();
    expect(screen.getByRole("link", { name: "site" }).getAttribute("rel")).toContain("noopener");
  });
});

describe("questions", () => {
  test("nothing happens until it is confirmed", async () => {
    const yes = vi.fn();
    const close = vi.fn();
    render(<Confirm title="Sure?" text="Really." action="Delete" danger onConfirm={yes} onClose={close} />);
    await userEvent.click(screen.getByRole("button", { name: "Cancel" }));
    expect([yes.mock.calls.length, close.mock.calls.length]).toEqual([0, 1]);
    await userEvent.click(screen.getByRole("button", { name: "Delete" }));
    expect(yes).toHaveBeenCalledOnce();
  });
});
