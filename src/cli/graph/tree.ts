import type { ImageGraph } from '#api/types/image-graph.ts';
import { imageLabel, runLabel, summary } from './labels.ts';
import { type Run, runsOf } from './runs.ts';

/** The graph for a terminal: layers with what stands on them, images as leaves, and what sharing spares. */
export function graphTree(graph: ImageGraph, { full }: { full: boolean }): string {
  const { roots, bare } = runsOf(graph);
  const lines = [...roots.flatMap((run) => runLines(run, full)), ...bare.map((image) => imageLabel(image, full))];
  return [...lines, ...(lines.length > 0 ? [''] : []), summary(graph), ''].join('\n');
}

function runLines(run: Run, full: boolean): string[] {
  const branches = [
    ...run.images.map((image) => [imageLabel(image, full)]),
    ...run.above.map((next) => runLines(next, full)),
  ];
  const below = branches.flatMap(([first, ...rest], at) => {
    const last = at === branches.length - 1;
    return [`${last ? '└── ' : '├── '}${first}`, ...rest.map((line) => `${last ? '    ' : '│   '}${line}`)];
  });
  return [runLabel(run, full), ...below];
}
