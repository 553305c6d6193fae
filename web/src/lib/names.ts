/** Names of files and folders. */

/** In UTF-8. */
const MAX_BYTES = 255;
const encoder = new TextEncoder();

export const isTooLong = (name: string) => encoder.encode(name).length > MAX_BYTES;

/** Splits a name into stem and extension, with its dot. */
export function splitName(name: string): [stem: string, ending: string] {
  const dot = name.lastIndexOf(".");
  return dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
}

/** The stem with what follows it; as much of the stem as there is room for. */
export function fitting(stem: string, rest: string): string {
  const characters = [...stem];
  while (characters.length > 1 && isTooLong(characters.join("") + rest)) characters.pop();
  return characters.join("") + rest;
}
