/** Lines of a text, as an address names them: `12`, or `12-20`. */
export interface Lines {
  first: number;
  last: number;
}

export function linesOf(text: string | null | undefined): Lines | null {
  const found = /^([1-9]\d{0,8})(?:-([1-9]\d{0,8}))?$/.exec(text ?? "");
  if (!found) return null;
  const ends = [Number(found[1]), Number(found[2] ?? found[1])];
  return { first: Math.min(...ends), last: Math.max(...ends) };
}

export const textOfLines = ({ first, last }: Lines) => (first === last ? `${first}` : `${first}-${last}`);

/** From the line that was chosen first to this one. */
export const extended = (lines: Lines | null, line: number): Lines =>
  lines ? { first: Math.min(lines.first, line), last: Math.max(lines.first, line) } : { first: line, last: line };
