/**
 * Untrusted text with visible controls of writing direction: U+202E in "photo\u202egpj.exe" would show "photoexe.jpg".
 * Marks like U+200F stay: they do no more than a letter of that direction, and texts of such languages need them.
 */
const EMBEDDINGS = /[\u202a-\u202e\u2066-\u2069]/g;

/** Properties that are shown or read out. */
const SHOWN = ["children", "title", "alt", "aria-label", "placeholder"] as const;

export const visible = (text: string) => text.replace(EMBEDDINGS, "\ufffd");

function visibleChild(child: unknown): unknown {
  if (typeof child === "string") return visible(child);
  if (!Array.isArray(child)) return child;
  const children: unknown[] = child.map(visibleChild);
  return children.every((each, index) => each === child[index]) ? child : children;
}

/** The properties of an element, with every shown text visible. Values of form fields stay as they are: they are sent. */
export function visibleProps<P>(props: P): P {
  const given = props as Record<string, unknown>;
  const changed: Record<string, unknown> = {};
  for (const name of SHOWN) {
    const value = visibleChild(given[name]);
    if (value !== given[name]) changed[name] = value;
  }
  return Object.keys(changed).length ? { ...props, ...changed } : props;
}
