import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ImageConfig } from '#api/types/image.ts';
import { EngineError } from '#errors/errors.ts';
import fc from '#test/support/property.ts';
import { applyChanges } from './changes.ts';

interface Case {
  changes: string[];
  config?: ImageConfig;
  error?: string;
}

const cases: Case[] = JSON.parse(readFileSync(join(import.meta.dirname, 'fixtures/dockerd-26.json'), 'utf8'));

const withoutEmpty = (config: ImageConfig) =>
  Object.fromEntries(Object.entries(config).filter(([, value]) => value !== null && value !== ''));

test('changes do to a configuration what dockerd does', () => {
  assert.ok(cases.length > 100);
  for (const { changes, config, error } of cases) {
    let found: { config: object } | { error: string };
    try {
      found = { config: withoutEmpty(applyChanges({}, changes)) };
    } catch (thrown) {
      assert.ok(thrown instanceof EngineError, String(thrown));
      found = { error: thrown.message };
    }
    assert.deepEqual(found, config ? { config } : { error }, JSON.stringify(changes));
  }
});

test('what is there already is kept, replaced in place or added to', () => {
  const config: ImageConfig = {
    Env: ['A=1', 'B=2'],
    Cmd: ['x'],
    WorkingDir: '/a',
    Labels: { a: '1' },
    Volumes: { '/v': {} },
    Shell: ['/bin/bash', '-c'],
    OnBuild: ['RUN x'],
  };
  const before = structuredClone(config);
  const changes = ['ENV A=$B', 'WORKDIR b', 'LABEL b=2', 'VOLUME /w', 'ENTRYPOINT y', 'ONBUILD RUN z'];
  assert.deepEqual(applyChanges(config, changes), {
    Env: ['A=2', 'B=2'],
    Cmd: null,
    Entrypoint: ['/bin/bash', '-c', 'y'],
    WorkingDir: '/a/b',
    Labels: { a: '1', b: '2' },
    Volumes: { '/v': {}, '/w': {} },
    Shell: ['/bin/bash', '-c'],
    OnBuild: ['RUN x', 'RUN z'],
  });
  assert.deepEqual(config, before);
  assert.equal(applyChanges(config, []), config);
});

test('any text is taken or refused, never more than that', () => {
  const word = fc.constantFrom(
    '$',
    '{',
    '}',
    '"',
    "'",
    '\\',
    ':-',
    '?',
    'A',
    '=',
    ' ',
    '[',
    ']',
    ',',
    '--',
    '/',
    '-',
    '`',
    '\n',
    '#',
  );
  const keyword = fc.constantFrom(
    'ENV',
    'LABEL',
    'EXPOSE',
    'VOLUME',
    'CMD',
    'HEALTHCHECK CMD',
    'USER',
    'ONBUILD',
    '# escape=`\nENV',
  );
  const line = fc.tuple(
    keyword,
    fc.array(word, { maxLength: 12 }).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 3 }), (lines) => {
      try {
        applyChanges(
          {},
          lines.map((parts) => parts.join(' ')),
        );
      } catch (error) {
        if (!(error instanceof EngineError) || error.kind !== 'invalid') throw error;
      }
    }),
    { numRuns: 2000 },
  );
});
