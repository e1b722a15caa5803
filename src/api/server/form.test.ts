import assert from 'node:assert/strict';
import { test } from 'node:test';
import { booleanValue, booleanValueOr, integerValue, textValue, timeValue } from './form.ts';

const query = (text: string) => new URLSearchParams(text);

test('what counts as no', () => {
  for (const text of ['', 'x=', 'x=0', 'x=no', 'x=false', 'x=none', 'x=False', 'x=%20NONE%20'])
    assert.equal(booleanValue(query(text), 'x'), false, text);
  for (const text of ['x=1', 'x=yes', 'x=true', 'x=on', 'x=2', 'x=f'])
    assert.equal(booleanValue(query(text), 'x'), true, text);
  assert.equal(booleanValueOr(query(''), 'x', true), true);
  assert.equal(booleanValueOr(query('x='), 'x', true), false);
});

test('integers are integers or refused by name', () => {
  assert.equal(integerValue(query('t=-1'), 't'), -1);
  assert.equal(integerValue(query('t=10'), 't'), 10);
  assert.equal(integerValue(query(''), 't'), undefined);
  assert.equal(integerValue(query('t='), 't'), undefined);
  for (const text of ['t=x', 't=1.5', 't=1e3', 't=0x10', 't=99999999999999999999'])
    assert.throws(() => integerValue(query(text), 't'), { kind: 'invalid', message: /'t'/ }, text);
});

test('times are nanoseconds', () => {
  assert.equal(timeValue(query('since=1136073600.000000001'), 'since'), 1136073600000000001n);
  assert.equal(timeValue(query('since=2006-01-01T00:00:00.000000001Z'), 'since'), 1136073600000000001n);
  for (const text of ['', 'since=', 'since=0']) assert.equal(timeValue(query(text), 'since'), undefined, text);
  assert.throws(() => timeValue(query('since=yesterday'), 'since'), { kind: 'invalid', message: /'since'/ });
});

test('empty text is absent text', () => {
  assert.equal(textValue(query('name='), 'name'), undefined);
  assert.equal(textValue(query('name=a+b'), 'name'), 'a b');
});
