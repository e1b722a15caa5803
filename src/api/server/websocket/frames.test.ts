import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/support/property.ts';
import { encodeClose, encodeFrame, frameReader, opcode } from './frames.ts';

/** A client's frame: masked, perhaps not the last of its message. */
function clientFrame(code: number, payload: Buffer, { final = true, mask = 0x01020304 } = {}): Buffer {
  const frame = encodeFrame(code, payload);
  const headSize = frame.length - payload.length;
  const key = Buffer.alloc(4);
  key.writeUInt32BE(mask);
  frame[0]! &= final ? 0xff : 0x7f;
  frame[1]! |= 0x80;
  const masked = Buffer.from(payload.map((byte, index) => byte ^ key[index & 3]!));
  return Buffer.concat([frame.subarray(0, headSize), key, masked]);
}

interface Read {
  data: Buffer;
  controls: [number, string][];
}

function readAll(bytes: Buffer, cuts: number[] = []): Read {
  const data: Buffer[] = [];
  const controls: [number, string][] = [];
  const read = frameReader(({ opcode: code, payload }) => {
    if (code >= opcode.close) controls.push([code, payload.toString('latin1')]);
    else data.push(Buffer.from(payload));
  });
  let from = 0;
  for (const cut of [...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length]) {
    read(Buffer.from(bytes.subarray(from, cut)));
    from = cut;
  }
  return { data: Buffer.concat(data), controls };
}

test('a server’s frames have the shortest length that fits and no mask', () => {
  assert.deepEqual([...encodeFrame(opcode.binary, Buffer.from('ab'))], [0x82, 2, 97, 98]);
  assert.deepEqual([...encodeFrame(opcode.text, Buffer.alloc(126)).subarray(0, 4)], [0x81, 126, 0, 126]);
  assert.deepEqual(
    [...encodeFrame(opcode.binary, Buffer.alloc(65_536)).subarray(0, 10)],
    [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0],
  );
  assert.deepEqual([...encodeClose(1000)], [0x88, 2, 0x03, 0xe8]);
  assert.deepEqual([...encodeClose()], [0x88, 0]);
});

test('whatever the lengths, the masks and the cuts, the bytes arrive in order', () => {
  const piece = fc.record({
    payload: fc.uint8Array({ maxLength: 300 }),
    mask: fc.integer({ min: 0, max: 0xffffffff }),
    ping: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 6 }), fc.array(fc.nat(2000)), (pieces, cuts) => {
      const frames = pieces.flatMap(({ payload, mask, ping }, index) => [
        ...(ping ? [clientFrame(opcode.ping, Buffer.from('p'), { mask })] : []),
        clientFrame(index === 0 ? opcode.binary : opcode.continuation, Buffer.from(payload), {
          mask,
          final: index === pieces.length - 1,
        }),
      ]);
      const { data, controls } = readAll(Buffer.concat(frames), cuts);
      assert.deepEqual(data, Buffer.concat(pieces.map(({ payload }) => payload)));
      assert.deepEqual(
        controls,
        pieces.flatMap(({ ping }) => (ping ? [[opcode.ping, 'p']] : [])),
      );
    }),
  );
});

test('a long message is passed on before its end', () => {
  const frame = clientFrame(opcode.binary, Buffer.alloc(200_000, 'x'));
  assert.equal(readAll(frame.subarray(0, 1000)).data.length, 1000 - 14);
});

test('what breaks the protocol is refused', () => {
  const refused = (bytes: Buffer | number[], why: RegExp) => assert.throws(() => readAll(Buffer.from(bytes)), why);
  const text = Buffer.from('x');
  refused(encodeFrame(opcode.text, text), /without mask/);
  refused([0xc1, 0x80, 0, 0, 0, 0], /extension/);
  refused([0x83, 0x80, 0, 0, 0, 0], /unknown opcode 3/);
  refused([0x09, 0x80, 0, 0, 0, 0], /control frame in parts/);
  refused([0x89, 0xfe, 0, 200], /control frame in parts/);
  refused([0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], /a frame of/);
  refused(clientFrame(opcode.continuation, text), /message inside a message/);
  const begun = clientFrame(opcode.text, text, { final: false });
  refused(Buffer.concat([begun, begun]), /message inside a message/);
});
