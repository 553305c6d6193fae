/** What keys do. */
import { i18n } from "@lingui/core";
import { Dialog } from "@/ui/dialog";

const KEYS: [string, [string, string][]][] = [
  [
    /*i18n*/ "Everywhere",
    [
      ["/", /*i18n*/ "Search"],
      ["?", /*i18n*/ "Show these keys"],
      [/*i18n*/ "Esc", /*i18n*/ "Close, clear the selection"],
    ],
  ],
  [
    /*i18n*/ "In a list",
    [
      [/*i18n*/ "↑ ↓ ← →, Home, End", /*i18n*/ "Move"],
      [/*i18n*/ "Shift + move", /*i18n*/ "Extend the selection"],
      [/*i18n*/ "Ctrl + move, Space", /*i18n*/ "Move alone, select one more"],
      [/*i18n*/ "Ctrl + A", /*i18n*/ "Select all"],
      [/*i18n*/ "A name’s first letters", /*i18n*/ "Go to that name"],
      [/*i18n*/ "Enter", /*i18n*/ "Open"],
      [/*i18n*/ "Backspace, Alt + ↑", /*i18n*/ "Go to the folder above"],
      ["F2", /*i18n*/ "Rename"],
      [/*i18n*/ "Delete", /*i18n*/ "Move to the trash"],
      [/*i18n*/ "Shift + F10, menu key", /*i18n*/ "Open the menu"],
    ],
  ],
  [
    /*i18n*/ "In a file",
    [
      ["← →", /*i18n*/ "Previous and next file"],
      [/*i18n*/ "Ctrl + F", /*i18n*/ "Find in a text"],
      [/*i18n*/ "Ctrl + S", /*i18n*/ "Save a text that is being edited"],
    ],
  ],
];

export default function KeysDialog({ onClose }: { onClose: () => void }) {
  return (
    <Dialog title={i18n.t("Keyboard shortcuts")} onClose={onClose}>
      {KEYS.map(([where, keys]) => (
        <section key={where} className="keys">
          <h3>{i18n.t(where)}</h3>
          <dl>
            {keys.map(([key, what]) => (
              <div key={key}>
                <dt>
                  <kbd>{i18n.t(key)}</kbd>
                </dt>
                <dd>{i18n.t(what)}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </Dialog>
  );
}
