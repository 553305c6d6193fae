import { render, screen } from "@testing-library/react";
import { expect, test } from "vitest";

const NAME = "photo\u202egpj.exe";
const SHOWN = "photo\ufffdgpj.exe";

test("controls of writing direction disguise no name: in texts, in lists of texts and in what is read out", () => {
  render(
    <>
      <b title={NAME}>{NAME}</b>
      <i aria-label={NAME}>
        Move {NAME} to {[NAME, " and ", NAME]}
      </i>
    </>,
  );
  expect(screen.getByTitle(SHOWN).textContent).toBe(SHOWN);
  expect(screen.getByLabelText(SHOWN).textContent).toBe(`Move ${SHOWN} to ${SHOWN} and ${SHOWN}`);
  expect(document.body.innerHTML).not.toContain("\u202e");
});

test("what is edited and marks of languages stay", () => {
  render(
    <>
      <input defaultValue={NAME} />
      <p>{"\u05d0\u200f!"}</p>
    </>,
  );
  expect(screen.getByRole<HTMLInputElement>("textbox").value).toBe(NAME);
  expect(screen.getByText("\u05d0\u200f!")).toBeTruthy();
});
