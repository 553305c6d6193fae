import { beforeEach, expect, test } from "vitest";
import { keepFocus } from "@/ui/focus";

const list = (name: string) => `<section><div role="grid" tabindex="0" aria-label="${name}"></div></section>`;
const focused = () => document.activeElement?.getAttribute("aria-label");
const main = document.createElement("main");
main.tabIndex = -1;
main.setAttribute("aria-label", "main");
document.body.append(main);
keepFocus(document.body);

/** Other content, and what has the focus once its change was noticed. */
async function show(content: string): Promise<string | null | undefined> {
  const noticed = new Promise((resolve) => new MutationObserver(resolve).observe(main, { childList: true }));
  main.innerHTML = content;
  await noticed;
  return focused();
}

beforeEach(async () => {
  await show(list("folder"));
  main.querySelector<HTMLElement>("[role=grid]")?.focus();
});

test("the focus goes from a list to the one that takes its place, there at once or later", async () => {
  expect(await show(list("at once"))).toBe("at once");
  expect(await show("<p>Loading</p>")).toBe("main");
  expect(await show("<p>Loading more</p>")).toBe("main");
  expect(await show(list("later"))).toBe("later");
});

test("a list takes no focus that was put elsewhere before it came", async () => {
  expect(await show("<p>Loading</p><button aria-label='New'></button>")).toBe("main");
  main.querySelector("button")?.focus();
  main.focus();
  expect(await show(list("later"))).toBe("main");
});
