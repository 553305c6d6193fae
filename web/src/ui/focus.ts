/** Keeps the keyboard's focus on the page when the element that has it is removed. */

const LIST = "[role=grid]";

/**
 * Where a menu, a dialog or an element of `root` that had the focus is gone, browsers leave it to `<body>`, from where
 * the Tab key starts again at the top. It is given back to the element of `root` that had it last, such as the button of
 * the menu; where that is gone, too, to what is nearest around it: an element that takes it, else the list in there.
 * From a list it goes on to the list that takes its place, as that of a folder that is opened, once that is there.
 */
export function keepFocus(root: HTMLElement): void {
  let path: HTMLElement[] = [];
  /** What has the focus until the next list is in it. */
  let around: HTMLElement | null = null;

  // Menus and dialogs are outside of `root`.
  root.addEventListener("focusin", ({ target }) => {
    around = null;
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
    const wasList = path[0]?.matches(LIST);
    for (const each of path) {
      if (!isLost()) break;
      each.focus({ preventScroll: true });
      if (isLost()) focusList(each);
      else if (wasList) around = each;
    }
    if (around && around === document.activeElement) focusList(around);
  }
  // What is under a dialog is inert until its end, and refuses the focus.
  new MutationObserver(restore).observe(document.body, {
    childList: true,
    subtree: true,
    attributes: true,
    attributeFilter: ["inert"],
  });
}

const focusList = (place: HTMLElement) => place.querySelector<HTMLElement>(LIST)?.focus({ preventScroll: true });

const isLost = () => document.activeElement === document.body && document.hasFocus();
