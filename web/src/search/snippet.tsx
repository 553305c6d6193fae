/** A search snippet. The server sends text with `<mark>` around matches; it is parsed, never used as HTML. */

export interface Piece {
  text: string;
  marked: boolean;
}

const NAMES: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#x27": "'", "#39": "'", apos: "'" };

const plain = (text: string) => text.replace(/&(#?\w+);/g, (all, name: string) => NAMES[name] ?? all);

export function piecesOf(html: string): Piece[] {
  return html
    .split(/(<mark>.*?<\/mark>)/s)
    .filter(Boolean)
    .map((part) => {
      const marked = /^<mark>(.*)<\/mark>$/s.exec(part);
      return { text: plain(marked?.[1] ?? part), marked: marked !== null };
    });
}

export function Snippet({ html }: { html: string }) {
  return (
    <span className="snippet">
      {piecesOf(html).map((piece, index) =>
        piece.marked ? <mark key={index}>{piece.text}</mark> : <span key={index}>{piece.text}</span>,
      )}
    </span>
  );
}
