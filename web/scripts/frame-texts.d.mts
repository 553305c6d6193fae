export function frameTexts(...names: string[]): Record<string, Record<string, string>>;
