/**
 * Source code in CodeMirror. It stands in a shadow root: there styles are objects, where a document needs style
 * elements, which the content policy refuses.
 */
import { HighlightStyle, LanguageDescription, syntaxHighlighting } from "@codemirror/language";
import { languages } from "@codemirror/language-data";
import { closeSearchPanel, findNext, findPrevious, openSearchPanel, search } from "@codemirror/search";
import { Compartment, EditorState, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, drawSelection, EditorView, highlightSpecialChars, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { i18n } from "@lingui/core";
import type { Lines } from "@/viewer/lines";

const COLOURS = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: "var(--code-keyword)" },
  { tag: [tags.string, tags.special(tags.string), tags.regexp, tags.inserted], color: "var(--code-string)" },
  { tag: [tags.comment, tags.meta, tags.processingInstruction], color: "var(--muted)" },
  { tag: [tags.number, tags.bool, tags.null, tags.atom, tags.literal], color: "var(--code-number)" },
  { tag: [tags.typeName, tags.className, tags.namespace, tags.tagName], color: "var(--code-type)" },
  { tag: [tags.function(tags.variableName), tags.function(tags.propertyName), tags.heading], color: "var(--code-function)" },
  { tag: [tags.propertyName, tags.attributeName, tags.definition(tags.propertyName)], color: "var(--code-property)" },
  { tag: [tags.invalid, tags.deleted], color: "var(--danger)" },
  { tag: tags.heading, fontWeight: "600" },
]);

const LOOK = EditorView.theme({
  "&": { height: "100%", color: "var(--text)", backgroundColor: "var(--surface)", fontSize: "0.875rem" },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "-2px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.6", overflow: "auto" },
  ".cm-content": { paddingBlock: "0.75rem" },
  ".cm-gutters": { color: "var(--muted)", backgroundColor: "var(--surface)", borderRight: "1px solid var(--line)" },
  ".cm-lineNumbers .cm-gutterElement": { padding: "0 0.75rem", minWidth: "3rem", cursor: "pointer" },
  ".cm-line": { paddingInline: "0.75rem" },
  ".cm-chosen": { backgroundColor: "var(--accent-soft)" },
  ".cm-selectionBackground, &.cm-focused .cm-selectionBackground": { background: "var(--accent-line) !important" },
  ".cm-searchMatch": { backgroundColor: "var(--mark)", outline: "1px solid var(--warn)" },
  ".cm-searchMatch-selected": { backgroundColor: "var(--accent-soft)", outline: "2px solid var(--accent)" },
  ".cm-specialChar": { color: "var(--danger)" },
  ".cm-panels": { color: "var(--text)", backgroundColor: "var(--raised)", borderBottom: "1px solid var(--line) !important" },
  ".cm-panel.cm-search": { font: "0.875rem var(--font)", padding: "0.5rem 2.5rem 0.5rem 0.75rem" },
  ".cm-panel.cm-search [name=close]": { color: "var(--text)", width: "32px", height: "32px", fontSize: "1.25rem", cursor: "pointer" },
  ".cm-panel.cm-search [name=select]": { display: "none" }, // selects all matches, to change them
  ".cm-panel.cm-search label": { whiteSpace: "nowrap", fontSize: "inherit" },
  ".cm-textfield": {
    minHeight: "32px", color: "inherit", backgroundColor: "var(--surface)", border: "1px solid var(--line-strong)", fontSize: "1em",
  },
  ".cm-button": {
    minHeight: "32px", color: "inherit", background: "var(--surface)", border: "1px solid var(--line-strong)", fontSize: "1em", cursor: "pointer",
  },
});

/** Texts of CodeMirror itself. */
const phrases = () => ({
  Find: i18n.t("Find"),
  next: i18n.t("Next"),
  previous: i18n.t("Previous"),
  "match case": i18n.t("Match case"),
  regexp: i18n.t("Regular expression"),
  "by word": i18n.t("Whole words"),
  close: i18n.t("Close"),
  "current match": i18n.t("Match"),
  "on line": i18n.t("on line"),
  "Control character": i18n.t("Control character"),
});

const chooseLines = StateEffect.define<Lines | null>();
const CHOSEN = Decoration.line({ class: "cm-chosen" });

const chosenLines = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, { effects, state }) {
    for (const effect of effects) {
      if (!effect.is(chooseLines)) continue;
      const { first, last } = effect.value ?? { first: 1, last: 0 };
      const numbers = Array.from({ length: Math.max(0, Math.min(last, state.doc.lines) - first + 1) }, (_, index) => first + index);
      return Decoration.set(numbers.map((number) => CHOSEN.range(state.doc.line(number).from)));
    }
    return marks;
  },
  provide: (field) => EditorView.decorations.from(field),
});

export interface Shown {
  name: string;
  text: string;
  /** A line's number was clicked; `extend`: with Shift. */
  onLine: (line: number, extend: boolean) => void;
}

export class CodeView {
  private view: EditorView;
  private wrapping = new Compartment();
  private language = new Compartment();

  constructor(host: HTMLElement, { name, text, onLine }: Shown) {
    const root = host.shadowRoot ?? host.attachShadow({ mode: "open", delegatesFocus: true });
    const numbers = lineNumbers({
      domEventHandlers: {
        mousedown: (view, line, event) => {
          onLine(view.state.doc.lineAt(line.from).number, (event as MouseEvent).shiftKey);
          return true;
        },
      },
    });
    const state = EditorState.create({
      doc: text,
      extensions: [
        numbers,
        highlightSpecialChars(),
        drawSelection(),
        chosenLines,
        search({ top: true }),
        keymap.of([
          { key: "Escape", run: closeSearchPanel, scope: "editor search-panel", stopPropagation: true },
          { key: "Mod-a", run: (view) => (view.dispatch({ selection: { anchor: 0, head: view.state.doc.length } }), true) },
          { key: "Mod-f", run: openSearchPanel, scope: "editor search-panel" },
          { key: "F3", run: findNext, shift: findPrevious, scope: "editor search-panel", preventDefault: true },
        ]),
        EditorState.readOnly.of(true),
        EditorState.phrases.of(phrases()),
        EditorView.editable.of(false),
        EditorView.contentAttributes.of({ tabindex: "0", "aria-label": name, dir: "ltr" }),
        this.wrapping.of([]),
        this.language.of([]),
        syntaxHighlighting(COLOURS),
        LOOK,
      ],
    });
    this.view = new EditorView({ state, parent: root, root });
    void this.highlight(name);
  }

  /** Without the script of its language a text has one colour. */
  private async highlight(name: string): Promise<void> {
    try {
      const language = await LanguageDescription.matchFilename(languages, name)?.load();
      if (language) this.view.dispatch({ effects: this.language.reconfigure(language) });
    } catch {
      return;
    }
  }

  wrap(on: boolean): void {
    this.view.dispatch({ effects: this.wrapping.reconfigure(on ? EditorView.lineWrapping : []) });
  }

  /** Mark lines, and show the first of them. */
  choose(lines: Lines | null): void {
    const { doc } = this.view.state;
    const effects: StateEffect<unknown>[] = [chooseLines.of(lines)];
    if (lines && lines.first <= doc.lines) {
      effects.push(EditorView.scrollIntoView(doc.line(lines.first).from, { y: "center" }));
    }
    this.view.dispatch({ effects });
  }

  search(): void {
    openSearchPanel(this.view);
  }

  destroy(): void {
    this.view.destroy();
  }
}
