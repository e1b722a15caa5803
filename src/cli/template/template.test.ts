/** What no daemon object shows; `format/docker-output.test.ts` holds the language against docker's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '#test/support/property.ts';
import { compileTemplate } from './template.ts';
import { TemplateError } from './template-error.ts';

const render = (template: string, data: unknown) => compileTemplate(template).execute(data);

test('maps are visited by sorted keys, structs have fields and methods', () => {
  const map = new Map<string, unknown>([
    ['b', 1],
    ['B', 2],
    ['a', [true, null]],
  ]);
  assert.equal(render('{{.}} {{range $k, $v := .}}{{$k}}{{end}}', map), 'map[B:2 a:[true <nil>] b:1] Bab');
  const struct = { Name: () => 'n', Label: (name: string) => `<${name}>`, Plain: 3 };
  assert.equal(render('{{.Name}} {{.Label "x"}} {{.Plain}} {{"y" | .Label}}', struct), 'n <x> 3 <y>');
  assert.equal(render('{{json .}}', { b: () => '<', a: () => 1n }), '{"a":1,"b":"\\u003c"}');
});

test('integers beyond a double keep their digits', () => {
  const data = { N: 9223372036854771712n };
  assert.equal(
    render('{{.N}} {{json .N}} {{printf "%d %x" .N .N}} {{gt .N 1}} {{eq .N 9223372036854771712}}', data),
    '9223372036854771712 9223372036854771712 9223372036854771712 7ffffffffffff000 true true',
  );
});

test('errors name the line, the column and the node', () => {
  const message = (template: string) => {
    try {
      return render(template, { A: { B: 1 } });
    } catch (error) {
      return (error as TemplateError).message;
    }
  };
  assert.equal(
    message('a\nb {{.A.C}}'),
    'template: :2:6: executing "" at <.A.C>: can\'t evaluate field C in type struct',
  );
  assert.equal(message('{{if .A}}\n{{else}}\n'), 'template: :3: unexpected EOF');
  assert.equal(message('{{foo}}'), 'template: :1: function "foo" not defined');
  assert.equal(
    message('{{index .A 1}}'),
    'template: :1:2: executing "" at <index>: error calling index: can\'t index item of type struct',
  );
});

test('and and or stop at the argument that decides', () => {
  assert.equal(render('{{or 1 (index .L 9)}} {{and "" (index .L 9)}}|', { L: [] }), '1 |');
});

test('any text is a template or a TemplateError, and does not hang', () => {
  const words = fc.constantFrom(
    '{{',
    '}}',
    '{{-',
    '-}}',
    '.A',
    '$x',
    ':=',
    '|',
    '(',
    ')',
    '"s"',
    '`r`',
    'if',
    'else',
    'end',
    'range',
    'with',
    'break',
    'index',
    'printf',
    '%d',
    '/*',
    '*/',
    "'",
    '1',
    ' ',
    '\n',
    ',',
    '=',
  );
  const text = fc.array(fc.oneof(words, fc.string({ maxLength: 3 })), { maxLength: 14 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(
      fc.oneof(
        text,
        text.map((inner) => `{{${inner}}}`),
      ),
      (template) => {
        try {
          render(template, { A: [1, 'x', new Map([['k', null]])] });
        } catch (error) {
          if (!(error instanceof TemplateError)) throw error;
        }
      },
    ),
    { numRuns: 3000 },
  );
});
