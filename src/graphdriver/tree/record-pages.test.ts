import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import fc from 'fast-check';
import { PAGE } from '#lib/paged-bytes.ts';
import { place, RecordPages } from './record-pages.ts';

test('records lie in one page each, and what is kept between them is read as it was', () => {
  const near = (length: number) => fc.integer({ min: length - 12, max: length + 12 });
  const length = fc.oneof(fc.nat(200), near(PAGE), near(2 * PAGE));
  const steps = fc.array(
    fc.oneof(fc.record({ keep: length }), fc.record({ allot: fc.integer({ min: 1, max: PAGE }) })),
    {
      maxLength: 60,
    },
  );
  fc.assert(
    fc.property(steps, (list) => {
      const records = new RecordPages(tmpdir());
      const kept = new Map<number, Buffer>();
      const allotted: number[] = [];
      for (const step of list) {
        if ('keep' in step) {
          const bytes = randomBytes(step.keep);
          kept.set(records.keep(bytes), bytes);
          continue;
        }
        const id = records.allot(step.allot);
        const { bytes } = records.writable(id);
        assert.ok(place(id) + step.allot <= PAGE);
        assert.ok(bytes.subarray(place(id), place(id) + step.allot).every((byte) => byte === 0));
        bytes.fill(allotted.length % 256, place(id), place(id) + step.allot);
        allotted.push(id);
      }
      for (const [id, bytes] of kept) {
        assert.equal(records.lengthOf(id), bytes.length);
        assert.ok(records.read(id).equals(bytes));
      }
      for (const [index, id] of allotted.entries()) assert.equal(records.page(id).bytes[place(id)], index % 256);
      records.close();
    }),
    { numRuns: 50 },
  );
});
