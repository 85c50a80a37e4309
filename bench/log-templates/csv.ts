/** The rows of a CSV text by the names of its first row. Quoted fields may hold commas and breaks. */
export function parseCsv(text: string): readonly Readonly<Record<string, string>>[] {
  const [header = [], ...rows] = fieldsOf(text);
  return rows.map((row) => Object.fromEntries(header.map((name, at) => [name, row[at] ?? ''])));
}

/** A field with what ends it: RFC 4180, which doubles a quote within quotes. */
const FIELD = /(?:"(?<quoted>(?:[^"]|"")*)"|(?<plain>[^,\r\n]*))(?<end>,|\r?\n|$)/gy;

function fieldsOf(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  for (const { index, groups } of text.matchAll(FIELD)) {
    if (index === text.length && row.length === 0) break;
    row.push(groups?.['quoted']?.replaceAll('""', '"') ?? groups?.['plain'] ?? '');
    if (groups?.['end'] === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}
