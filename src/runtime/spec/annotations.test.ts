import assert from 'node:assert/strict';
import { test } from 'node:test';
import { containerAnnotations } from './annotations.ts';

const annotationsOf = (cgroupsPath: string, Annotations?: Record<string, string>) =>
  containerAnnotations({ hostConfig: { Annotations }, cgroup: { cgroupsPath } });

test('what the container names; in a scope of systemd crun makes no group of its own', () => {
  assert.deepEqual(annotationsOf('/wherry/x'), {});
  assert.deepEqual(annotationsOf('/wherry/x', { a: 'b' }), { annotations: { a: 'b' } });
  const none = { 'run.oci.systemd.subgroup': '' };
  assert.deepEqual(annotationsOf('a.slice:wherry:x', { a: 'b' }), { annotations: { ...none, a: 'b' } });
  const own = { 'run.oci.systemd.subgroup': 'own' };
  assert.deepEqual(annotationsOf('a.slice:wherry:x', own), { annotations: own });
});
