import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImageGraph } from '#api/types/image-graph.ts';
import { graphSvg } from './svg.ts';
import { graphTree } from './tree.ts';

const id = (name: string) => `sha256:${name.padEnd(64, '0')}`;
const layer = (name: string, below: string, Size: number) => ({
  Id: id(name),
  DiffId: id(name),
  Parent: below && id(below),
  Size,
});
const image = (name: string, top: string, Names: string[], Size: number, Containers = 0) => ({
  Id: id(name),
  ParentId: '',
  Layer: top && id(top),
  Names,
  Size,
  Containers,
});

/** a1-a2 with two images on it; then b1 with one, and c1-c2 with another; d1 alone; one without layers. */
const graph: ImageGraph = {
  Layers: [
    layer('a1', '', 1_000_000),
    layer('a2', 'a1', 500),
    layer('b1', 'a2', 20),
    layer('c1', 'a2', 3),
    layer('c2', 'c1', 0),
    layer('d1', '', 7),
  ],
  Images: [
    image('e1', 'a2', ['base:latest', 'base:1'], 1_000_500, 1),
    image('e2', 'a2', [], 1_000_500),
    image('e3', 'b1', ['app:latest'], 1_000_520, 2),
    image('e4', 'c2', ['x<y&z'], 1_000_503),
    image('e5', 'd1', ['alone:latest'], 7),
    image('e6', '', ['scratch:latest'], 0),
  ],
};

test('the tree joins layers that nothing branches off', () => {
  assert.equal(
    graphTree(graph, { full: false }),
    `1MB  2 layers  a20000000000
├── base:latest, base:1  e10000000000  1MB  1 container
├── <none>  e20000000000  1MB
├── 20B  1 layer  b10000000000
│   └── app:latest  e30000000000  1MB  2 containers
└── 3B  2 layers  c20000000000
    └── x<y&z  e40000000000  1MB
7B  1 layer  d10000000000
└── alone:latest  e50000000000  7B
scratch:latest  e60000000000  0B

6 images on 6 layers: 1MB, without sharing 4MB
`,
  );
  assert.match(graphTree(graph, { full: true }), new RegExp(`1 layer  ${id('d1')}`));
});

test('without images only the summary is left', () => {
  assert.equal(
    graphTree({ Layers: [], Images: [] }, { full: false }),
    '0 images on 0 layers: 0B, without sharing 0B\n',
  );
  assert.match(graphSvg({ Layers: [], Images: [] }, { full: false }), /^<svg .*<\/svg>\n$/s);
});

test('no two boxes of the drawing overlap, and names stay text', () => {
  const svg = graphSvg(graph, { full: false });
  assert.match(svg, />x&lt;y&amp;z {2}e40000000000/);
  const boxes = [...svg.matchAll(/<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/g)].map((match) =>
    match.slice(1).map(Number),
  ) as [number, number, number, number][];
  assert.equal(boxes.length, 10);
  const [width, height] = [/width="(\d+)"/, /height="(\d+)"/].map((pattern) => Number(pattern.exec(svg)![1]));
  for (const [x, y, w, h] of boxes) assert.ok(x >= 0 && y >= 0 && x + w <= width! && y + h <= height!);
  const apart = (a: number[], b: number[]) =>
    a[0]! + a[2]! <= b[0]! || b[0]! + b[2]! <= a[0]! || a[1]! + a[3]! <= b[1]! || b[1]! + b[3]! <= a[1]!;
  for (const [at, box] of boxes.entries()) for (const other of boxes.slice(0, at)) assert.ok(apart(box, other));
  assert.equal(svg.match(/<path /g)?.length, 7);
});
