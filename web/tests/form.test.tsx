import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import type { FileItem } from "@/api/types";
import TagsDialog from "@/files/TagsDialog";

/** A server that waits with its responses; what refuses the oldest request. */
function serve() {
  const waiting: (() => void)[] = [];
  const refusal = () => new Response(JSON.stringify({ code: "x", detail: "Too many tags." }), { status: 422 });
  const ask = vi.fn(() => new Promise<Response>((resolve) => waiting.push(() => resolve(refusal()))));
  vi.stubGlobal("fetch", ask);
  return { ask, refuse: () => waiting.shift()?.() };
}

const FILE = { id: "f1", name: "a.txt", tags: ["blue"], revision: 1 } as unknown as FileItem;

test("a form is sent once while the server thinks, says why it was refused, and can be sent again", async () => {
  const { ask, refuse } = serve();
  const onClose = vi.fn();
  render(<TagsDialog file={FILE} onClose={onClose} />);
  const save = screen.getByRole("button", { name: "Save" });
  await userEvent.click(save);
  expect(save).toHaveProperty("disabled", true);
  await userEvent.type(screen.getByLabelText("Add tags"), "{Enter}");
  expect(ask).toHaveBeenCalledTimes(1);
  refuse();
  expect((await screen.findByRole("alert")).textContent).toBe("Too many tags.");
  expect(save).toHaveProperty("disabled", false);
  await userEvent.click(save);
  expect(screen.queryByRole("alert")).toBeNull();
  expect(ask).toHaveBeenCalledTimes(2);
  expect(onClose).not.toHaveBeenCalled();
});
