import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imageDot } from './image-dot.ts';

const id = (digit: string) => `sha256:${digit.repeat(64)}`;

test('layers stand on each other, images on their topmost layer and beside their parent', () => {
  const dot = imageDot({
    Layers: [
      { Id: id('1'), DiffId: id('1'), Parent: '', Size: 10 },
      { Id: id('2'), DiffId: id('a'), Parent: id('1'), Size: 20 },
    ],
    Images: [
      { Id: id('e'), ParentId: '', Layer: id('1'), Names: ['base:latest', 'base:1'], Size: 10, Containers: 0 },
      { Id: id('f'), ParentId: id('e'), Layer: id('2'), Names: [], Size: 30, Containers: 1 },
      { Id: id('0'), ParentId: '', Layer: '', Names: ['none:latest'], Size: 0, Containers: 0 },
    ],
  });
  const box = 'shape=box,fillcolor="paleturquoise",style="filled,rounded"';
  assert.deepEqual(dot.split('\n'), [
    'digraph docker {',
    ' base [style=invisible]',
    ' base -> "layer 111111111111" [style=invis]',
    ' "layer 111111111111" [label="111111111111\\n10 bytes"]',
    ' "layer 111111111111" -> "layer 222222222222"',
    ' "layer 222222222222" [label="222222222222\\n20 bytes"]',
    ' "layer 111111111111" -> "image eeeeeeeeeeee"',
    ` "image eeeeeeeeeeee" [label="eeeeeeeeeeee\\nbase:latest\\nbase:1",${box}]`,
    ' "layer 222222222222" -> "image ffffffffffff"',
    ` "image ffffffffffff" [label="ffffffffffff",${box}]`,
    ' "image eeeeeeeeeeee" -> "image ffffffffffff" [style=dashed]',
    ' base -> "image 000000000000" [style=invis]',
    ` "image 000000000000" [label="000000000000\\nnone:latest",${box}]`,
    '}',
    '',
  ]);
});
