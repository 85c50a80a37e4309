import { plainLine } from '#lib/plain-text.ts';

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string | number | undefined;
  /** Changes how the cell looks, not how wide it is. */
  readonly paint?: (cell: string) => string;
}

const GAP = '   ';

/** Left-aligned columns under capital titles, as kubectl prints them. One line per row. */
export function formatTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = rows.map((row) =>
    columns.map(({ value }) => {
      const cell = plainLine(String(value(row) ?? '')).trim();
      return cell === '' ? '<none>' : cell;
    }),
  );
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...cells.map((line) => widthOf(line[index] ?? ''))),
  );
  const lines = [
    layOut(
      columns.map(({ title }) => title),
      widths,
      [],
    ),
    ...cells.map((line) => layOut(line, widths, columns)),
  ];
  return lines.join('\n');
}

function layOut<Row>(
  cells: readonly string[],
  widths: readonly number[],
  columns: readonly Column<Row>[],
): string {
  const padded = cells.map((cell, index) => {
    const shown = columns[index]?.paint?.(cell) ?? cell;
    const isLast = index === cells.length - 1;
    return isLast ? shown : shown + ' '.repeat(Math.max(0, (widths[index] ?? 0) - widthOf(cell)));
  });
  return padded.join(GAP);
}

/** In terminal columns, near enough for names of containers: wide letters count once. */
function widthOf(text: string): number {
  return Array.from(text).length;
}
