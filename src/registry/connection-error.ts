import { cancelled, describe, errnoCode, isEngineError, unavailable } from '#errors/errors.ts';

/** Failures that another try may not have. */
const PASSING = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ECONNABORTED',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'HPE_INVALID_EOF_STATE',
]);

const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** Code of an `unavailable` that may pass by itself. */
export const CONNECTION_LOST = 'CONNECTION_LOST';
export const CONNECTION_FAILED = 'CONNECTION_FAILED';

/** A failed connection as an EngineError in the words of Go's client. EngineErrors stay what they are. */
export function connectionError(method: string, url: URL, error: unknown, signal?: AbortSignal): Error {
  if (isEngineError(error)) return error;
  if (signal?.aborted) return cancelled('the request was cancelled', { cause: error });
  const code = errnoCode(error) ?? '';
  const { reason, hint } = explain(code, error, url);
  return unavailable(`${requestTitle(method, url)}: ${reason}`, {
    code: PASSING.has(code) ? CONNECTION_LOST : CONNECTION_FAILED,
    ...(hint && { hint }),
    cause: error,
  });
}

function explain(code: string, error: unknown, url: URL): { reason: string; hint?: string } {
  const { address, port } = error as { address?: string; port?: number };
  const target = address ? ` ${address.includes(':') ? `[${address}]` : address}:${port}` : '';
  if (code === 'ECONNREFUSED') return { reason: `dial tcp${target}: connect: connection refused` };
  if (code === 'ENOTFOUND') return { reason: `dial tcp: lookup ${url.hostname}: no such host` };
  if (code === 'EAI_AGAIN') return { reason: `dial tcp: lookup ${url.hostname}: Temporary failure in name resolution` };
  if (code === 'ENETUNREACH') return { reason: `dial tcp${target}: connect: network is unreachable` };
  if (code === 'EHOSTUNREACH') return { reason: `dial tcp${target}: connect: no route to host` };
  if (code === 'ECONNRESET') return { reason: 'connection reset by peer' };
  if (code === 'EPROTO' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG' || code === 'ERR_SSL_WRONG_VERSION_NUMBER') {
    return {
      reason: 'http: server gave HTTP response to HTTPS client',
      hint: `list ${url.host} in insecure-registries if it has no TLS`,
    };
  }
  if (UNTRUSTED.has(code)) {
    return {
      reason: 'tls: failed to verify certificate: x509: certificate signed by unknown authority',
      hint: `put its authority into /etc/docker/certs.d/${url.host}/ca.crt`,
    };
  }
  if (code === 'CERT_HAS_EXPIRED')
    return { reason: 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid' };
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return { reason: `tls: failed to verify certificate: x509: ${describe(error)}` };
  return { reason: describe(error) };
}

/** `Get "https://host/path"`. Without the query: signed URLs of storage carry secrets there. */
export function requestTitle(method: string, { origin, pathname }: URL): string {
  return `${method[0]}${method.slice(1).toLowerCase()} "${origin}${pathname}"`;
}
