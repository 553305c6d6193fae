/** Texts and source code: line numbers, colours, search, links to lines. */
import { i18n } from "@lingui/core";
import { Copy, Link2, Search, WrapText } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import type { FileItem } from "@/api/types";
import { fileHref } from "@/lib/places";
import { recall, remember } from "@/lib/theme";
import { useWhere } from "@/lib/router";
import { copyText } from "@/ui/copy-field";
import { Form } from "@/ui/form";
import { usePrinting } from "@/ui/printing";
import { CodeView } from "@/viewer/code-view";
import { extended, type Lines, linesOf, textOfLines } from "@/viewer/lines";
import { showLines, viewedIn, withViewed } from "@/viewer/viewer-address";

const WRAP_KEY = "docstore.wrap";

interface Props {
  file: FileItem;
  text: string;
  /** More tools. */
  children?: ReactNode;
}

export default function Code({ file, text, children }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<CodeView>(null);
  const [wrap, setWrap] = useState(() => recall(WRAP_KEY) !== "off");
  const viewed = viewedIn(useWhere().query);
  const at = viewed?.lines ?? "";
  const chosen = useRef<Lines>(null);
  chosen.current = linesOf(at);

  useEffect(() => {
    if (!host.current) return undefined;
    const shown = new CodeView(host.current, {
      name: file.name,
      text,
      onLine: (line, extend) => showLines(textOfLines(extended(extend ? chosen.current : null, line))),
    });
    view.current = shown;
    function onKey(event: KeyboardEvent): void {
      if (event.key.toLowerCase() !== "f" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault(); // the browser's own search finds what is drawn, which is not all of a long text
      shown.search();
    }
    document.addEventListener("keydown", onKey);
    return () => {
      document.removeEventListener("keydown", onKey);
      shown.destroy();
    };
  }, [file.name, text]);
  useEffect(() => view.current?.wrap(wrap), [wrap, text]);
  useEffect(() => view.current?.choose(linesOf(at)), [at, text]);

  const link = () => location.origin + withViewed(fileHref(file.id), { fileId: "", version: viewed?.version, lines: at });
  return (
    <div className="code">
      <div className="code-bar" role="toolbar" aria-label={i18n.t("Text")}>
        <GoToLine />
        {at && (
          <button className="tool" onClick={() => void copyText(link())}>
            <Link2 size={16} aria-hidden="true" /> {i18n.t("Link to line {lines}", { lines: at })}
          </button>
        )}
        <span className="spacer" />
        {children}
        <button className="icon-button" aria-label={i18n.t("Find in file")} onClick={() => view.current?.search()}>
          <Search size={18} />
        </button>
        <button
          className="icon-button"
          aria-label={i18n.t("Wrap lines")}
          aria-pressed={wrap}
          onClick={() => {
            setWrap(!wrap);
            remember(WRAP_KEY, wrap ? "off" : "on");
          }}
        >
          <WrapText size={18} />
        </button>
        <button className="icon-button" aria-label={i18n.t("Copy text")} onClick={() => void copyText(text, i18n.t("Text copied."))}>
          <Copy size={18} />
        </button>
      </div>
      <div className="code-view" ref={host} tabIndex={0} />
      <PrintedCode text={text} />
    </div>
  );
}

/** All lines, where the view has those in sight. */
function PrintedCode({ text }: { text: string }) {
  if (!usePrinting()) return null;
  return (
    <ol className="printed-code">
      {text.split("\n").map((line, index) => (
        <li key={index}>{line || " "}</li>
      ))}
    </ol>
  );
}

function GoToLine() {
  const [line, setLine] = useState("");
  return (
    <Form
      className="go-to-line"
      onSubmit={() => {
        const lines = linesOf(line.trim());
        if (lines) showLines(textOfLines(lines));
      }}
    >
      <input
        inputMode="numeric"
        aria-label={i18n.t("Go to line")}
        placeholder={i18n.t("Line")}
        value={line}
        onChange={(event) => setLine(event.target.value)}
      />
    </Form>
  );
}
