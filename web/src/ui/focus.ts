/** Keeps the keyboard's focus on the page when the element that has it is removed. */

/**
 * Where a menu, a dialog or an element of `root` that had the focus is gone, browsers leave it to `<body>`, from where
 * the Tab key starts again at the top. It is given back to the element of `root` that had it last, such as the button of
 * the menu; where that is gone, too, to what is nearest around it: an element that takes it, else the list in there.
 */
export function keepFocus(root: HTMLElement): void {
  let path: HTMLElement[] = [];

  // Menus and dialogs are outside of `root`.
  root.addEventListener("focusin", ({ target }) => {
    path = [];
    for (let each = target as HTMLElement | null; each && root.contains(each); each = each.parentElement) path.push(each);
  });
  // A click beside all controls takes the focus away on purpose.
  root.addEventListener("focusout", ({ target, relatedTarget }) => {
    if (relatedTarget) return;
    queueMicrotask(() => {
      if ((target as HTMLElement).isConnected && isLost()) path = [];
    });
  });

  function restore(): void {
    for (const each of path) {
      if (!isLost()) return;
      each.focus({ preventScroll: true });
      if (isLost()) each.querySelector<HTMLElement>("[role=grid]")?.focus({ preventScroll: true });
    }
  }
  // What is under a dialog is inert until its end, and refuses the focus.
  new MutationObserver(restore).observe(document.body, {
    childList: true,
    subtree: true,
    attributes: true,
    attributeFilter: ["inert"],
  });
}

const isLost = () => document.activeElement === document.body && document.hasFocus();
