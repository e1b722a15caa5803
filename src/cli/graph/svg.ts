import type { ImageGraph } from '#api/types/image-graph.ts';
import { imageLabel, runLabel, summary } from './labels.ts';
import { type Run, runsOf } from './runs.ts';

/** Pixels. The width of a character is that of common monospace fonts of this size, rounded up. */
const CHARACTER = 7.3;
const FONT = 12;
const BOX_HEIGHT = 24;
const ROW = 34;
const GAP = 48;
const MARGIN = 16;

/** A box of the drawing; `depth` counts columns from the left. */
interface Box {
  label: string;
  kind: 'layers' | 'image';
  depth: number;
  /** Rows from the top; a box stands in the middle of those that stand on it. */
  row: number;
  above: Box[];
}

/** The graph as a drawing: layers from left to right, images as leaves. Dark where the viewer prefers that. */
export function graphSvg(graph: ImageGraph, { full }: { full: boolean }): string {
  const { roots, bare } = runsOf(graph);
  let rows = 0;
  const leaf = (label: string, depth: number): Box => ({ label, kind: 'image', depth, row: rows++, above: [] });
  const boxOf = (run: Run, depth: number): Box => {
    const images = run.images.map((image) => leaf(imageLabel(image, full), depth + 1));
    const above = [...images, ...run.above.map((next) => boxOf(next, depth + 1))];
    const row = (above[0]!.row + above.at(-1)!.row) / 2;
    return { label: runLabel(run, full), kind: 'layers', depth, row, above };
  };
  const forest = [...roots.map((run) => boxOf(run, 0)), ...bare.map((image) => leaf(imageLabel(image, full), 0))];
  return drawing(forest.flatMap(flatten), rows, summary(graph));
}

const flatten = (box: Box): Box[] => [box, ...box.above.flatMap(flatten)];
const widthOf = ({ label }: Box) => Math.ceil(label.length * CHARACTER) + 20;

function drawing(boxes: readonly Box[], rows: number, title: string): string {
  const columns: { x: number; width: number }[] = [];
  for (const [depth, column] of Map.groupBy(
    boxes.toSorted((a, b) => a.depth - b.depth),
    (box) => box.depth,
  )) {
    const before = columns[depth - 1];
    const width = Math.max(...column.map(widthOf));
    columns.push({ x: before ? before.x + before.width + GAP : MARGIN, width });
  }
  const last = columns.at(-1) ?? { x: MARGIN, width: 0 };
  const width = Math.max(last.x + last.width, MARGIN + title.length * CHARACTER) + MARGIN;
  const height = rows * ROW + ROW + 2 * MARGIN;
  const left = (box: Box) => columns[box.depth]!.x;
  const middle = (box: Box) => MARGIN + ROW + box.row * ROW + ROW / 2;
  const edges = boxes.flatMap((box) =>
    box.above.map((next) => edge(left(box) + widthOf(box), middle(box), left(next), middle(next))),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${Math.ceil(width)}" height="${height}" font-size="${FONT}">`,
    `<title>${escaped(title)}</title>`,
    `<style>${STYLE}</style>`,
    '<rect class="ground" width="100%" height="100%"/>',
    `<text x="${MARGIN}" y="${MARGIN + FONT}">${escaped(title)}</text>`,
    ...edges,
    ...boxes.map((box) => drawnBox(box, left(box), middle(box))),
    '</svg>',
    '',
  ].join('\n');
}

function edge(x1: number, y1: number, x2: number, y2: number): string {
  const bend = (x1 + x2) / 2;
  return `<path d="M${x1} ${y1}C${bend} ${y1} ${bend} ${y2} ${x2} ${y2}"/>`;
}

function drawnBox(box: Box, x: number, y: number): string {
  const corner = box.kind === 'image' ? 3 : BOX_HEIGHT / 2;
  const rect = `<rect x="${x}" y="${y - BOX_HEIGHT / 2}" width="${widthOf(box)}" height="${BOX_HEIGHT}" rx="${corner}"/>`;
  return `<g class="${box.kind}">${rect}<text x="${x + 10}" y="${y + 4}" xml:space="preserve">${escaped(box.label)}</text></g>`;
}

const STYLE = [
  'text{font-family:ui-monospace,monospace;fill:#1b1f24}',
  'path{fill:none;stroke:#8c959f}',
  '.ground{fill:#fff}',
  '.layers rect{fill:#f6f8fa;stroke:#8c959f}',
  '.image rect{fill:#ddf4ff;stroke:#218bff}',
  '@media(prefers-color-scheme:dark){text{fill:#e6edf3}.ground{fill:#0d1117}',
  '.layers rect{fill:#161b22}.image rect{fill:#0c2d6b}}',
].join('');

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escaped = (text: string) => text.replace(/[&<>"]/g, (character) => ENTITIES[character]!);
