import { Malformed } from './malformed.ts';

/** How long the body is: a number of bytes, or told by its chunks. */
export type BodyLength = number | 'chunked';

/** The head of a request. Source: RFC 9112, sections 2 to 7, and RFC 9110. */
export interface RequestHead {
  readonly method: string;
  /** Path and query as they were sent; of an absolute form (`http://host/path`) what follows the host. */
  readonly target: string;
  /** Of version HTTP/1.N. */
  readonly minor: 0 | 1;
  /** By name in lower case; fields that came several times are joined by ", ". Bytes above 0x7f are Latin-1. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly bodyLength: BodyLength;
  /** The client wants to use the connection again. */
  readonly persistent: boolean;
  /** The protocol, in lower case, to which the client offers to change. */
  readonly upgrade: string | undefined;
  /** The client waits to be told that its body is wanted. */
  readonly expectsContinue: boolean;
}

const REQUEST_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([!-~]+) HTTP\/1\.([01])\r\n/;
/** One field line; there is no space before the colon. No two parts overlap, so that a mismatch costs no more than a match. */
const FIELD = /([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t -~\x80-\xff]*)\r\n/y;
const ABSOLUTE_FORM = /^https?:\/\/[^/?#]+/i;
/** Fields of which a request has one at most: two of them would let two readers see two requests. */
const SINGLE = new Set(['content-length', 'host', 'transfer-encoding', 'content-type', 'upgrade', 'expect']);

/**
 * Reads a head: `text` is its bytes as Latin-1, from the request line to the end of the last field line. Nothing is guessed:
 * throws Malformed for whatever the grammar does not allow, and for all that is ambiguous (two lengths, a length and chunks,
 * a folded line, a bare line feed), because what stands before us may read it differently.
 */
export function parseHead(text: string): RequestHead {
  const line = REQUEST_LINE.exec(text);
  if (!line) throw new Malformed('the request line is not of HTTP/1.1');
  const minor = line[3] === '1' ? 1 : 0;
  const headers = parseFields(text, line[0].length);
  const connection = headers.connection === undefined ? [] : listOf(headers.connection);
  const upgrade = minor === 1 && connection.includes('upgrade') ? headers.upgrade?.toLowerCase() : undefined;
  return {
    method: line[1]!,
    target: originForm(line[2]!),
    minor,
    headers,
    bodyLength: bodyLengthOf(headers, minor),
    persistent: minor === 1 ? !connection.includes('close') : connection.includes('keep-alive'),
    upgrade,
    expectsContinue: minor === 1 && expectsContinue(headers.expect),
  };
}

function parseFields(text: string, start: number): Record<string, string | undefined> {
  const headers: Record<string, string | undefined> = Object.create(null);
  for (let at = start; at < text.length; at = FIELD.lastIndex) {
    FIELD.lastIndex = at;
    const field = FIELD.exec(text);
    if (!field) throw new Malformed('a header field is not "name: value"');
    const name = field[1]!.toLowerCase();
    const before = headers[name];
    if (before !== undefined && SINGLE.has(name)) throw new Malformed(`the header field ${name} came twice`);
    const value = trimmed(field[2]!);
    headers[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return headers;
}

/** Without the spaces and tabs around it; `trim` would take more (0xa0 may be half of a letter in UTF-8). */
function trimmed(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isBlank(value.charCodeAt(start))) start++;
  while (end > start && isBlank(value.charCodeAt(end - 1))) end--;
  return value.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** A server must understand a target with scheme and host, too (RFC 9112, section 3.2.2). */
function originForm(target: string): string {
  if (target.charCodeAt(0) === 0x2f) return target;
  const authority = ABSOLUTE_FORM.exec(target)?.[0];
  if (authority === undefined) throw new Malformed(`the request target ${target.slice(0, 100)} is not a path`);
  const path = target.slice(authority.length);
  return path.startsWith('/') ? path : `/${path}`;
}

/** RFC 9112, section 6.3, without what it lets a server forgive. */
function bodyLengthOf(headers: RequestHead['headers'], minor: 0 | 1): BodyLength {
  const { 'content-length': length, 'transfer-encoding': coding } = headers;
  if (coding !== undefined) {
    if (length !== undefined) throw new Malformed('the request has both Content-Length and Transfer-Encoding');
    if (minor === 0) throw new Malformed('Transfer-Encoding is not for HTTP/1.0');
    if (coding.toLowerCase() !== 'chunked') throw new Malformed(`unsupported transfer encoding ${coding}`, 501);
    return 'chunked';
  }
  if (length === undefined) return 0;
  const bytes = Number(length);
  if (!/^\d+$/.test(length) || !Number.isSafeInteger(bytes)) throw new Malformed(`invalid Content-Length ${length}`);
  return bytes;
}

function expectsContinue(expect: string | undefined): boolean {
  if (expect === undefined) return false;
  if (expect.toLowerCase() !== '100-continue') throw new Malformed(`unknown expectation ${expect}`, 417);
  return true;
}

/** The members of a comma-separated list, in lower case. */
function listOf(value: string): string[] {
  return value
    .toLowerCase()
    .split(',')
    .map((member) => member.trim());
}
