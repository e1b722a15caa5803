import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { cancelled, describe, type EngineError, errnoCode, isEngineError, system } from '#errors/errors.ts';
import type { LogFields, Logger } from '#lib/log.ts';
import { type Access, checkAccess } from './access.ts';
import type { Backend } from './backend.ts';
import { hasBody } from './body.ts';
import { Call } from './call.ts';
import { responseOn, runHijack, runWebSocket, takeOver } from './hijack.ts';
import { locate, versionOf } from './locate.ts';
import type { Reply } from './reply.ts';
import { sendError, sendReply } from './send.ts';
import { acceptHead, notAsked } from './websocket/handshake.ts';

/** How a request travels to its handler and back; what all requests of a server share. */
export interface Service {
  backend: Backend;
  /** Headers of every reply. */
  headers: OutgoingHttpHeaders;
  log?: Pick<Logger, 'debug' | 'error'>;
  /** Set = every route that does more than read, or mend this, is refused with it. */
  readOnly?: EngineError;
}

/** Answers a request of node's HTTP server that came over a socket which grants `access`. */
export function serveRequest(
  service: Service,
  request: IncomingMessage,
  response: ServerResponse,
  access: Access,
): void {
  answer(service, request, response, access).catch((error: unknown) => fail(service, request, response, error));
}

async function answer(service: Service, request: IncomingMessage, response: ServerResponse, access: Access) {
  const call = open(service, request, access);
  if (call.route.reply === 'hijack') return hijackPlain(service, call, response);
  if (call.route.reply === 'websocket') throw notAsked();
  const reply = await call.route.handler(call);
  if (reply.kind === 'hijack' || reply.kind === 'websocket')
    throw system(`${call.route.path} does not say in the table what it replies`);
  await sendReply(response, service.headers, reply);
}

/** Answers a request whose connection node's HTTP server has given up for an upgrade. */
export function serveUpgrade(
  service: Service,
  request: IncomingMessage,
  client: Duplex,
  head: Buffer,
  access: Access,
): void {
  client.on('error', () => {}); // the session sees the close that follows
  if (head.length > 0) client.unshift(head);
  try {
    const call = open(service, request, access);
    const session = call.route.reply === 'websocket' ? openWebSocket : hijack;
    session(service, call, client, true).catch((error: unknown) => sessionFailed(service, request, error));
  } catch (error) {
    fail(service, request, responseOn(client, request), error);
  }
}

/** True when an upgrade is a route's business; other offers to upgrade are ignored, as HTTP allows. */
export function acceptsUpgrade(request: IncomingMessage): boolean {
  const wanted = { tcp: 'hijack', websocket: 'websocket' }[request.headers.upgrade?.toLowerCase() ?? ''];
  try {
    return wanted !== undefined && locate(request).route.reply === wanted;
  } catch {
    return false;
  }
}

function open({ backend, readOnly }: Service, request: IncomingMessage, access: Access): Call {
  const target = locate(request);
  checkAccess(access, target.route.access, `${target.route.method} ${target.route.path}`);
  if (readOnly && target.route.access !== 'read' && !target.route.mends) throw readOnly;
  return new Call(backend, request, target);
}

/** A hijack that does not ask for an upgrade: a body, if any, comes first, then the connection is raw. */
async function hijackPlain(service: Service, call: Call, response: ServerResponse): Promise<void> {
  if (hasBody(call.request)) await call.body();
  const client = takeOver(response);
  await hijack(service, call, client, false).catch((error: unknown) => sessionFailed(service, call.request, error));
}

async function hijack(service: Service, call: Call, client: Duplex, upgrade: boolean): Promise<void> {
  const { request, route, version } = call;
  const { headers } = service;
  let reply: Reply;
  try {
    reply = await route.handler(call);
  } catch (error) {
    return fail(service, request, responseOn(client, request), error);
  }
  if (reply.kind === 'websocket') throw system(`${route.path} is not in the table as a WebSocket`);
  if (reply.kind !== 'hijack') return sendReply(responseOn(client, request), headers, reply);
  request.resume(); // a body that nobody asked for stands before the input
  await runHijack(client, reply, { upgrade, version, headers });
}

async function openWebSocket(service: Service, call: Call, client: Duplex): Promise<void> {
  const { request } = call;
  let head: string;
  let reply: Reply;
  try {
    head = acceptHead(request, service.headers);
    reply = await call.route.handler(call);
    if (reply.kind !== 'websocket') throw system(`${call.route.path} does not give a WebSocket`);
  } catch (error) {
    return fail(service, request, responseOn(client, request), error);
  }
  request.resume();
  await runWebSocket(client, head, reply);
}

/** A request that failed: its status and message where the client can still be told, else the end of the connection. */
function fail(service: Service, request: IncomingMessage, response: ServerResponse, thrown: unknown): void {
  // node takes the socket away from a request whose reply has ended
  const gone = (request as { socket: Duplex | null }).socket?.destroyed ?? true;
  const error = gone ? cancelled('the client went away', { cause: thrown }) : asEngineError(thrown);
  if (error.kind === 'system') service.log?.error(error.message, { ...about(request), stack: stackOf(thrown) });
  else service.log?.debug(error.message, about(request));
  if (response.headersSent || response.destroyed) response.destroy();
  else sendError(response, service.headers, error, versionOf(request));
}

/** A session that is under way has no place for a message: the client sees its end. */
function sessionFailed({ log }: Service, request: IncomingMessage, thrown: unknown): void {
  log?.error(`a session failed: ${describe(thrown)}`, { ...about(request), stack: stackOf(thrown) });
}

function asEngineError(thrown: unknown): EngineError {
  if (isEngineError(thrown)) return thrown;
  const hint = errnoCode(thrown) === 'ENOSPC' ? 'make room on the file system of the data-root' : undefined;
  return system(describe(thrown), { hint, cause: thrown });
}

function about({ method, url }: IncomingMessage): LogFields {
  return { method, url: url?.slice(0, 500) };
}

/** The stack of what is a bug; an EngineError was thrown on purpose and its message says all. */
function stackOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && !isEngineError(thrown) ? thrown.stack : undefined;
}
