import { cancelled, describe, type EngineError, errnoCode, isEngineError, system } from '#errors/errors.ts';
import type { LogFields, Logger } from '#lib/log.ts';
import { type Access, checkAccess } from './access.ts';
import type { Backend } from './backend.ts';
import { Call } from './call.ts';
import { runHijack, runWebSocket } from './hijack.ts';
import type { Request } from './http1/request.ts';
import type { Response } from './http1/response.ts';
import { locate, versionOf } from './locate.ts';
import type { Route } from './router.ts';
import { type CommonLines, sendError, sendReply } from './send.ts';
import { acceptHead, notAsked } from './websocket/handshake.ts';

/** How a request travels to its handler and back; what all requests of a server share. */
export interface Service {
  backend: Backend;
  common: CommonLines;
  log?: Pick<Logger, 'debug' | 'error'>;
  /** Set = every route that does more than read, or mend this, is refused with it. */
  readOnly?: EngineError;
}

/** Answers a request that came over a socket which grants `access`. */
export function serveRequest(service: Service, request: Request, response: Response, access: Access): void {
  answer(service, request, response, access).catch((error: unknown) => fail(service, request, response, error));
}

async function answer(service: Service, request: Request, response: Response, access: Access): Promise<void> {
  const { route, call } = open(service, request, access);
  if (route.reply === 'hijack') return hijack(service, route, call, response);
  if (route.reply === 'websocket') return openWebSocket(service, route, call);
  const reply = await route.handler(call);
  if (reply.kind === 'hijack' || reply.kind === 'websocket') throw notInTable(route);
  return sendReply(response, service.common, reply);
}

function open({ backend, readOnly }: Service, request: Request, access: Access): { route: Route; call: Call } {
  const target = locate(request.head);
  checkAccess(access, target.route);
  if (readOnly && target.route.access !== 'read' && !target.route.mends) throw readOnly;
  return { route: target.route, call: new Call(backend, request, target) };
}

/** Offers to upgrade to something else are ignored, as HTTP allows; the connection is raw with and without the right one. */
async function hijack(service: Service, route: Route, call: Call, response: Response): Promise<void> {
  const { request, version } = call;
  request.hold();
  const reply = await route.handler(call);
  if (reply.kind === 'websocket') throw notInTable(route);
  if (reply.kind !== 'hijack') return sendReply(response, service.common, reply);
  const client = await request.takeOver();
  const upgrade = request.head.upgrade === 'tcp';
  await runHijack(client, reply, { upgrade, version, common: service.common.any }).catch((error) =>
    sessionFailed(service, request, error),
  );
}

async function openWebSocket(service: Service, route: Route, call: Call): Promise<void> {
  const { request } = call;
  if (request.head.upgrade !== 'websocket') throw notAsked();
  request.hold();
  const head = acceptHead(request.head, service.common.any);
  const reply = await route.handler(call);
  if (reply.kind !== 'websocket') throw notInTable(route);
  const client = await request.takeOver();
  await runWebSocket(client, head, reply).catch((error) => sessionFailed(service, request, error));
}

function notInTable({ path }: Route): EngineError {
  return system(`${path} does not reply as the table says`);
}

/** A request that failed: its status and message where the client can still be told, else the end of the connection. */
function fail(service: Service, request: Request, response: Response, thrown: unknown): void {
  const error = response.closed ? cancelled('the client went away', { cause: thrown }) : asEngineError(thrown);
  if (error.kind === 'system') service.log?.error(error.message, { ...about(request), stack: stackOf(thrown) });
  else service.log?.debug(error.message, about(request));
  if (request.head.upgrade) request.hold(); // what came behind it was meant for another protocol
  if (response.begun) response.abort();
  else sendError(response, service.common, error, versionOf(request));
}

/** A session that is under way has no place for a message: the client sees its end. */
function sessionFailed({ log }: Service, request: Request, thrown: unknown): void {
  log?.error(`a session failed: ${describe(thrown)}`, { ...about(request), stack: stackOf(thrown) });
}

function asEngineError(thrown: unknown): EngineError {
  if (isEngineError(thrown)) return thrown;
  const hint = errnoCode(thrown) === 'ENOSPC' ? 'make room on the file system of the data-root' : undefined;
  return system(describe(thrown), { hint, cause: thrown });
}

function about({ method, target }: Request): LogFields {
  return { method, url: target.slice(0, 500) };
}

/** The stack of what is a bug; an EngineError was thrown on purpose and its message says all. */
function stackOf(thrown: unknown): string | undefined {
  return thrown instanceof Error && !isEngineError(thrown) ? thrown.stack : undefined;
}
