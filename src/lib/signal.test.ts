import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSignal, signalName } from './signal.ts';

test('signals are numbers or names, with or without SIG, in any case', () => {
  const known: Record<string, number> = {
    '9': 9,
    KILL: 9,
    sigterm: 15,
    SIGUSR1: 10,
    'RTMIN+3': 37,
    'SIGRTMAX-1': 63,
    SIGRTMIN: 34,
    CLD: 17,
  };
  for (const [text, number] of Object.entries(known)) assert.equal(parseSignal(text), number, text);
});

test("anything else is refused in Docker's words", () => {
  for (const text of ['', '0', '65', '-9', 'SIGNOPE', 'RTMIN+31', 'RTMAX-99', '9x', 'SIG']) {
    assert.throws(() => parseSignal(text), { kind: 'invalid', message: `invalid signal: ${text}` });
  }
});

test('a number has a name', () => {
  assert.equal(signalName(15), 'SIGTERM');
  assert.equal(signalName(40), '40');
});
