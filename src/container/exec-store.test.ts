import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Container } from './container.ts';
import { Exec, type ExecRecord, execView } from './exec.ts';
import { ExecStore } from './exec-store.ts';
import type { ContainerRecord } from './record.ts';

const container = (id: string) => new Container({ id } as ContainerRecord);

function makeExec(owner: Container, id: string): Exec {
  const record: ExecRecord = {
    version: 1,
    id,
    command: ['true'],
    env: [],
    user: '',
    workingDir: '',
    privileged: false,
    tty: false,
    streams: { stdin: false, stdout: false, stderr: false },
    detachKeys: '',
  };
  return new Exec(owner, record);
}

test('an exec can be asked about until the second sweep after its end', () => {
  const store = new ExecStore();
  const box = container('box');
  const [ended, created] = [makeExec(box, 'ended'), makeExec(box, 'created')];
  for (const exec of [ended, created]) store.add(exec);
  assert.deepEqual([...box.execIds], ['ended', 'created']);
  ended.markEnded(3);
  assert.deepEqual([...box.execIds], ['created']);
  assert.deepEqual(store.sweep(), []);
  assert.deepEqual([execView(store.get('ended')).CanRemove, execView(created).CanRemove], [true, false]);
  assert.deepEqual(store.sweep(), [ended]);
  assert.throws(() => store.get('ended'), /^EngineError: No such exec instance: ended$/);
  assert.deepEqual(store.sweep(), []);
  assert.equal(store.get('created'), created);
});

test('with its container’s exit goes what was not started, with the container everything', () => {
  const store = new ExecStore();
  const [box, other] = [container('box'), container('other')];
  const [created, ended, elsewhere] = [makeExec(box, 'created'), makeExec(box, 'ended'), makeExec(other, 'elsewhere')];
  for (const exec of [created, ended, elsewhere]) store.add(exec);
  ended.markEnded(0);
  store.forgetUnstarted(box);
  assert.throws(() => store.get('created'), /No such exec instance/);
  assert.equal(store.get('ended'), ended);
  store.forgetAll(box);
  assert.throws(() => store.get('ended'), /No such exec instance/);
  assert.equal(store.size, 1);
  assert.equal(store.get('elsewhere'), elsewhere);
});
