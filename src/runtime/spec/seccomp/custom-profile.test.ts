import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isEngineError } from '#errors/errors.ts';
import { DOCKERD_CASES } from '#test/support/dockerd-cases.ts';
import fc from '#test/support/property.ts';
import { customProfile } from './custom-profile.ts';

const conditions = { capabilities: new Set(['CAP_CHOWN']), arch: 'x64', kernel: [6, 12] as const };

const profileOf = (name: string) =>
  DOCKERD_CASES.find((dockerd) => dockerd.name === name)!.hostConfig!.SecurityOpt![0]!.slice('seccomp='.length);

test("two ways of saying the same are refused in dockerd's words", () => {
  for (const name of ['seccomp-both-arch', 'seccomp-both-names']) {
    const { startError } = DOCKERD_CASES.find((dockerd) => dockerd.name === name)!;
    assert.throws(() => customProfile(profileOf(name), conditions), { kind: 'invalid', message: startError });
  }
});

test('argument values keep all 64 bits', () => {
  const rule = { names: ['mmap'], action: 'SCMP_ACT_ERRNO', args: [{ index: 0, value: 0, op: 'SCMP_CMP_EQ' }] };
  const json = JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [rule] });
  const profile = customProfile(json.replace('"value":0', '"value":18446744073709551615'), conditions);
  assert.equal(profile.syscalls![0]!.args![0]!.value, 18446744073709551615n);
});

test('a rule for a newer kernel is left out', () => {
  const rule = { names: ['tee'], action: 'SCMP_ACT_ALLOW', includes: { minKernel: '99.1' } };
  const json = JSON.stringify({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [rule] });
  assert.equal(customProfile(json, conditions).syscalls, undefined);
});

test('any text is a profile or an invalid request, never another failure', () => {
  const values = fc.oneof(
    fc.string(),
    fc.json(),
    fc.record({ defaultAction: fc.string(), syscalls: fc.jsonValue() }).map((v) => JSON.stringify(v)),
  );
  fc.assert(
    fc.property(values, (text) => {
      try {
        customProfile(text, conditions);
      } catch (error) {
        assert.ok(isEngineError(error, 'invalid'), String(error));
      }
    }),
    { numRuns: 500 },
  );
});
