import { CommandError } from '../errors.ts';
import { alignTabs } from './tab-writer.ts';

/** One column that a list can show: its heading and what it says of a row. `argument` is for `{{.Label "x"}}`. */
export interface Field<Row> {
  header: string;
  value(row: Row, argument?: string): unknown;
  takesArgument?: boolean;
}

export type Fields<Row> = Record<string, Field<Row>>;

export interface ListOptions {
  /** `--format`: empty or `table` for the columns, `table TEMPLATE`, `json`, or a template for each row. */
  format: string;
  /** The fields of the table, and of every row when `--quiet` is given. */
  columns: string[];
  quiet?: string;
}

/** The text of a list, with a newline at the end of each line. Throws CommandError for a template that does not fit. */
export async function renderList<Row>(rows: Row[], fields: Fields<Row>, options: ListOptions): Promise<string> {
  const { format, columns, quiet } = options;
  if (quiet && (format === '' || format === 'table'))
    return rows.map((row) => `${cell(fields, quiet, row)}\n`).join('');
  if (format === '' || format === 'table') return renderTable(rows, fields, columns);
  return renderTemplate(rows, fields, format);
}

function renderTable<Row>(rows: Row[], fields: Fields<Row>, columns: string[]): string {
  const lines = [columns.map((name) => fields[name]!.header)];
  for (const row of rows) lines.push(columns.map((name) => cell(fields, name, row)));
  return alignTabs(lines.map((line) => `${line.join('\t')}\n`).join(''));
}

const cell = <Row>(fields: Fields<Row>, name: string, row: Row) => String(fields[name]!.value(row));

async function renderTemplate<Row>(rows: Row[], fields: Fields<Row>, format: string): Promise<string> {
  const [{ compileTemplate }, { TemplateError }] = await Promise.all([
    import('../template/template.ts'),
    import('../template/template-error.ts'),
  ]);
  const isTable = /^table\s/.test(format);
  const text = (isTable ? format.replace(/^table\s+/, '') : format === 'json' ? '{{json .}}' : format)
    .replaceAll('\\t', '\t')
    .replaceAll('\\n', '\n');
  try {
    const template = compileTemplate(text);
    const lines = rows.map((row) => `${template.execute(methodsOf(fields, row))}\n`);
    if (!isTable) return lines.join('');
    const heading = compileTemplate(text, { functions: headingFunctions }).execute(headings(fields));
    return alignTabs(`${heading}\n${lines.join('')}`);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new CommandError(`failed to ${error.phase === 'parse' ? 'parse' : 'execute'} template: ${error.message}`, {
      hint: error.phase === 'parse' ? undefined : `Fields: ${Object.keys(fields).sort().join(', ')}`,
    });
  }
}

/** The row as a template sees it: a struct whose methods are the fields. */
export function methodsOf<Row>(fields: Fields<Row>, row: Row): Record<string, unknown> {
  const entries = Object.entries(fields).map(([name, field]) => {
    const method = field.takesArgument
      ? (argument: unknown) => field.value(row, String(argument))
      : () => field.value(row);
    return [name, method];
  });
  return Object.fromEntries(entries);
}

function headings<Row>(fields: Fields<Row>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, field.takesArgument ? labelHeading : field.header]),
  );
}

/** The heading of `{{.Label "com.example.owner-name"}}` is the last part of the label's name: `owner name`. */
const labelHeading = (label: unknown) => String(label).split('.').at(-1)!.replaceAll('-', ' ').replaceAll('_', ' ');

/** In the heading, functions leave the names of the fields as they are. */
const unchanged = (value: unknown) => value;
const headingFunctions = Object.fromEntries(
  ['json', 'title', 'lower', 'upper', 'truncate', 'join', 'split'].map((name) => [name, unchanged]),
);
