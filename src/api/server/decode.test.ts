import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EMPTY_CONFIG } from '#api/types/container-config.ts';
import { EMPTY_HOST_CONFIG } from '#api/types/host-config.ts';
import { isEngineError } from '#errors/errors.ts';
import fc from '#test/support/property.ts';
import { createBody } from './bodies/create.ts';
import { hostConfig } from './bodies/host-config.ts';
import { networkingConfig } from './bodies/network.ts';
import { decode } from './decode.ts';
import { parseJson } from './wire-json.ts';

const create = (text: string) => createBody(parseJson(text));
const host = (text: string) => create(`{"HostConfig":${text}}`).hostConfig;

test('what is absent or null has its zero value', () => {
  assert.deepEqual(create('{"Unheard":1}').config, EMPTY_CONFIG);
  assert.deepEqual(decode(hostConfig, {}, 'HostConfig'), EMPTY_HOST_CONFIG);
  assert.deepEqual(decode(networkingConfig, null, 'NetworkingConfig'), { EndpointsConfig: null });
  assert.deepEqual(host('{"Binds":null,"Memory":null,"RestartPolicy":null,"Init":null}'), EMPTY_HOST_CONFIG);
});

test('keys match without regard to case, unknown ones are ignored', () => {
  const body = create('{"image":"a","CMD":["x"],"hostconfig":{"MEMORY":7,"Unheard":1},"Of":{"No":"interest"}}');
  assert.equal(body.config.Image, 'a');
  assert.deepEqual(body.config.Cmd, ['x']);
  assert.equal(body.hostConfig.Memory, 7);
  assert.ok(!('Of' in body.config) && !('Unheard' in body.hostConfig));
});

test('no digit of an integer is lost', () => {
  assert.equal(host('{"Memory":9223372036854771712}').Memory, 9223372036854771712n);
  assert.equal(host('{"Memory":-1}').Memory, -1);
  assert.throws(() => host('{"Memory":9223372036854775808}'), {
    message:
      /cannot unmarshal number 9223372036854775808 into Go struct field CreateRequest.HostConfig.Memory of type int64/,
  });
});

test('a wrong type is refused with the name of its field', () => {
  const cases: [string, string][] = [
    [
      '{"HostConfig":{"Memory":"1g"}}',
      'cannot unmarshal string into Go struct field CreateRequest.HostConfig.Memory of type int64',
    ],
    ['{"HostConfig":{"Memory":1.5}}', 'number 1.5 into Go struct field CreateRequest.HostConfig.Memory of type int64'],
    ['{"HostConfig":{"Memory":1e3}}', 'number 1e3 into'],
    ['{"HostConfig":[]}', 'array into Go struct field CreateRequest.HostConfig of type HostConfig'],
    ['{"Tty":1}', 'number 1 into Go struct field CreateRequest.Tty of type bool'],
    ['{"Env":{}}', 'object into Go struct field CreateRequest.Env of type []string'],
    ['{"Env":[1]}', 'number 1 into Go struct field CreateRequest.Env of type string'],
    ['{"Labels":{"a":true}}', 'bool into Go struct field CreateRequest.Labels of type string'],
    [
      '{"HostConfig":{"PortBindings":{"80/tcp":[{"HostPort":80}]}}}',
      'number 80 into Go struct field CreateRequest.HostConfig.PortBindings.HostPort of type string',
    ],
    ['[]', 'array into Go value of type CreateRequest'],
    ['"x"', 'string into Go value of type CreateRequest'],
  ];
  for (const [text, message] of cases)
    assert.throws(
      () => create(text),
      (error: Error) => isEngineError(error, 'invalid') && error.message.includes(message),
      text,
    );
});

test('a command may be one string, a set counts its keys, a size is a pair', () => {
  const body = create('{"Cmd":"ls","Entrypoint":["a","b"],"ExposedPorts":{"80/tcp":{}},"Volumes":{"/x":{"y":1}}}');
  assert.deepEqual(body.config.Cmd, ['ls']);
  assert.deepEqual(body.config.Entrypoint, ['a', 'b']);
  assert.deepEqual(body.config.ExposedPorts, { '80/tcp': {} });
  assert.deepEqual(body.config.Volumes, { '/x': {} });
  assert.deepEqual(host('{"ConsoleSize":[24,80]}').ConsoleSize, [24, 80]);
  assert.deepEqual(host('{"ConsoleSize":[24]}').ConsoleSize, [24, 0]);
});

test('limits beside the config, as the first clients sent them, are set apart', () => {
  assert.deepEqual(create('{"Memory":5,"Cpuset":"0,1"}').oldLimits, {
    Memory: 5,
    MemorySwap: undefined,
    CpuShares: undefined,
    Cpuset: '0,1',
    CpusetCpus: undefined,
  });
});

test('any JSON is decoded or refused as invalid; prototypes stay untouched', () => {
  const body = create('{"Labels":{"__proto__":"x","constructor":"y"},"__proto__":{"Image":"z"}}');
  assert.deepEqual(Object.entries(body.config.Labels ?? {}), [
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ]);
  assert.equal(body.config.Image, '');
  const keys = fc.constantFrom(
    'HostConfig',
    'Env',
    'Labels',
    'Memory',
    'Mounts',
    'BindOptions',
    '__proto__',
    'Healthcheck',
  );
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof({ maxDepth: 4 }, fc.jsonValue(), fc.dictionary(keys, tie('tree')), fc.array(tie('tree'))),
  }));
  fc.assert(
    fc.property(tree, (value) => {
      try {
        create(JSON.stringify(value));
      } catch (error) {
        assert.ok(isEngineError(error, 'invalid'), String(error));
      }
    }),
  );
  assert.equal(({} as Record<string, unknown>).Image, undefined);
});
