import type { Access } from './access.ts';
import { absent, buildKit, noBuildCache, noPlugins, noSuchPlugin, swarm, swarmEntrance } from './handlers/absent.ts';
import * as container from './handlers/container.ts';
import * as containerChange from './handlers/container-change.ts';
import * as files from './handlers/container-files.ts';
import * as containerStream from './handlers/container-stream.ts';
import * as exec from './handlers/exec.ts';
import * as image from './handlers/image.ts';
import * as network from './handlers/network.ts';
import * as registry from './handlers/registry.ts';
import * as system from './handlers/system.ts';
import * as volume from './handlers/volume.ts';
import type { Handler, Method, ReplyKind, Route } from './router.ts';

/**
 * The Engine API, whole. The columns: method, path, kind of a successful reply, what it may touch (access.ts), handler,
 * and the API version 1.N that brought it, where that is not the oldest one served. Handlers that only say no are in
 * handlers/absent.ts.
 */
const table: [Method, string, ReplyKind, Access, Handler, since?: number][] = [
  ['GET', '/_ping', 'raw', 'read', system.ping],
  ['HEAD', '/_ping', 'raw', 'read', system.pingHead],
  ['GET', '/version', 'json', 'read', system.version],
  ['GET', '/info', 'json', 'read', system.info],
  ['GET', '/events', 'stream', 'read', system.events],
  ['GET', '/system/df', 'json', 'read', system.diskUsage, 25],
  ['POST', '/system/check', 'stream', 'admin', system.check],
  ['POST', '/auth', 'json', 'operate', registry.authenticate],
  ['GET', '/metrics', 'raw', 'read', absent],
  ['GET', '/debug/pprof/{name}', 'raw', 'admin', absent],

  ['GET', '/containers/json', 'json', 'read', container.list],
  ['GET', '/containers/ps', 'json', 'read', container.list],
  ['GET', '/containers/{name}/json', 'json', 'read', container.inspect],
  ['GET', '/containers/{name}/top', 'json', 'read', containerChange.top],
  ['GET', '/containers/{name}/logs', 'stream', 'read', containerStream.logs],
  ['GET', '/containers/{name}/changes', 'json', 'read', files.changes],
  ['GET', '/containers/{name}/stats', 'stream', 'read', containerStream.stats],
  ['GET', '/containers/{name}/attach/ws', 'websocket', 'exec', containerStream.attachWebSocket],
  ['GET', '/containers/{name}/export', 'tar', 'read', files.exportTar],
  ['HEAD', '/containers/{name}/archive', 'raw', 'read', files.statPath, 20],
  ['GET', '/containers/{name}/archive', 'tar', 'read', files.readPath, 20],
  ['PUT', '/containers/{name}/archive', 'raw', 'exec', files.writePath, 20],
  ['POST', '/containers/{name}/copy', 'tar', 'read', files.copy],
  ['POST', '/containers/{name}/attach', 'hijack', 'exec', containerStream.attach],
  ['POST', '/containers/{name}/wait', 'json', 'read', containerStream.wait],
  ['POST', '/containers/{name}/resize', 'raw', 'operate', container.resize],
  ['POST', '/containers/{name}/start', 'raw', 'operate', container.start],
  ['POST', '/containers/{name}/stop', 'raw', 'operate', container.stop],
  ['POST', '/containers/{name}/restart', 'raw', 'operate', container.restart],
  ['POST', '/containers/{name}/kill', 'raw', 'operate', container.kill],
  ['POST', '/containers/{name}/pause', 'raw', 'operate', containerChange.pause],
  ['POST', '/containers/{name}/unpause', 'raw', 'operate', containerChange.unpause],
  ['POST', '/containers/{name}/rename', 'raw', 'admin', containerChange.rename],
  ['POST', '/containers/{name}/update', 'json', 'admin', containerChange.update, 22],
  ['POST', '/containers/create', 'json', 'admin', container.create],
  ['POST', '/containers/prune', 'json', 'admin', containerChange.prune, 25],
  ['DELETE', '/containers/{name}', 'raw', 'admin', container.remove],
  ['POST', '/commit', 'json', 'admin', files.commit],

  ['POST', '/containers/{name}/exec', 'json', 'exec', exec.create],
  ['POST', '/exec/{name}/start', 'hijack', 'exec', exec.start],
  ['POST', '/exec/{name}/resize', 'raw', 'exec', exec.resize],
  ['GET', '/exec/{name}/json', 'json', 'read', exec.inspect],

  ['GET', '/images/json', 'json', 'read', image.list],
  ['GET', '/images/viz', 'raw', 'read', image.viz],
  ['GET', '/images/search', 'json', 'read', registry.search],
  ['GET', '/images/get', 'tar', 'read', image.save],
  ['GET', '/images/{name}/get', 'tar', 'read', image.saveOne],
  ['GET', '/images/{name}/json', 'json', 'read', image.inspect],
  ['GET', '/images/{name}/history', 'json', 'read', image.history],
  ['POST', '/images/load', 'stream', 'admin', image.load],
  ['POST', '/images/create', 'stream', 'admin', image.create],
  ['POST', '/images/{name}/push', 'stream', 'admin', image.push],
  ['POST', '/images/{name}/tag', 'raw', 'admin', image.tag],
  ['POST', '/images/prune', 'json', 'admin', image.prune, 25],
  ['DELETE', '/images/{name}', 'json', 'admin', image.remove],
  ['GET', '/distribution/{name}/json', 'json', 'read', registry.distribution, 30],
  ['GET', '/distribution/{name}/manifest', 'raw', 'read', registry.manifest],
  ['POST', '/distribution/{name}/manifest', 'json', 'admin', registry.putManifest],

  ['POST', '/build', 'stream', 'admin', absent],
  ['POST', '/build/prune', 'json', 'admin', noBuildCache, 31],
  ['POST', '/build/cancel', 'raw', 'admin', absent, 39],
  ['POST', '/session', 'hijack', 'admin', buildKit, 31],
  ['POST', '/grpc', 'hijack', 'admin', buildKit, 38],

  ['GET', '/networks', 'json', 'read', network.list, 21],
  ['GET', '/networks/{name}', 'json', 'read', network.inspect, 21],
  ['POST', '/networks/create', 'json', 'admin', network.create, 21],
  ['POST', '/networks/{name}/connect', 'raw', 'admin', network.connect, 21],
  ['POST', '/networks/{name}/disconnect', 'raw', 'admin', network.disconnect, 21],
  ['POST', '/networks/prune', 'json', 'admin', network.prune, 25],
  ['DELETE', '/networks/{name}', 'raw', 'admin', network.remove, 21],

  ['GET', '/volumes', 'json', 'read', volume.list, 21],
  ['GET', '/volumes/{name}', 'json', 'read', volume.inspect, 21],
  ['POST', '/volumes/create', 'json', 'admin', volume.create, 21],
  ['PUT', '/volumes/{name}', 'raw', 'admin', swarm, 42],
  ['POST', '/volumes/prune', 'json', 'admin', volume.prune, 25],
  ['DELETE', '/volumes/{name}', 'raw', 'admin', volume.remove, 21],

  ['GET', '/plugins', 'json', 'read', noPlugins, 25],
  ['GET', '/plugins/privileges', 'json', 'read', absent, 25],
  ['GET', '/plugins/{name}/json', 'json', 'read', noSuchPlugin, 25],
  ['POST', '/plugins/pull', 'stream', 'admin', absent, 25],
  ['POST', '/plugins/create', 'raw', 'admin', absent, 25],
  ['POST', '/plugins/{name}/enable', 'raw', 'admin', noSuchPlugin, 25],
  ['POST', '/plugins/{name}/disable', 'raw', 'admin', noSuchPlugin, 25],
  ['POST', '/plugins/{name}/upgrade', 'stream', 'admin', noSuchPlugin, 26],
  ['POST', '/plugins/{name}/push', 'stream', 'admin', noSuchPlugin, 25],
  ['POST', '/plugins/{name}/set', 'raw', 'admin', noSuchPlugin, 25],
  ['DELETE', '/plugins/{name}', 'json', 'admin', noSuchPlugin, 25],

  ['GET', '/swarm', 'json', 'read', swarm, 24],
  ['GET', '/swarm/unlockkey', 'json', 'admin', swarm, 24],
  ['POST', '/swarm/init', 'json', 'admin', swarmEntrance, 24],
  ['POST', '/swarm/join', 'raw', 'admin', swarmEntrance, 24],
  ['POST', '/swarm/leave', 'raw', 'admin', swarm, 24],
  ['POST', '/swarm/update', 'raw', 'admin', swarm, 24],
  ['POST', '/swarm/unlock', 'raw', 'admin', swarm, 24],
  ['GET', '/nodes', 'json', 'read', swarm, 24],
  ['GET', '/nodes/{name}', 'json', 'read', swarm, 24],
  ['POST', '/nodes/{name}/update', 'raw', 'admin', swarm, 24],
  ['DELETE', '/nodes/{name}', 'raw', 'admin', swarm, 24],
  ['GET', '/services', 'json', 'read', swarm, 24],
  ['GET', '/services/{name}', 'json', 'read', swarm, 24],
  ['GET', '/services/{name}/logs', 'stream', 'read', swarm, 29],
  ['POST', '/services/create', 'json', 'admin', swarm, 24],
  ['POST', '/services/{name}/update', 'json', 'admin', swarm, 24],
  ['DELETE', '/services/{name}', 'raw', 'admin', swarm, 24],
  ['GET', '/tasks', 'json', 'read', swarm, 24],
  ['GET', '/tasks/{name}', 'json', 'read', swarm, 24],
  ['GET', '/tasks/{name}/logs', 'stream', 'read', swarm, 29],
  ['GET', '/secrets', 'json', 'read', swarm, 25],
  ['GET', '/secrets/{name}', 'json', 'read', swarm, 25],
  ['POST', '/secrets/create', 'json', 'admin', swarm, 25],
  ['POST', '/secrets/{name}/update', 'raw', 'admin', swarm, 25],
  ['DELETE', '/secrets/{name}', 'raw', 'admin', swarm, 25],
  ['GET', '/configs', 'json', 'read', swarm, 30],
  ['GET', '/configs/{name}', 'json', 'read', swarm, 30],
  ['POST', '/configs/create', 'json', 'admin', swarm, 30],
  ['POST', '/configs/{name}/update', 'raw', 'admin', swarm, 30],
  ['DELETE', '/configs/{name}', 'raw', 'admin', swarm, 30],
];

/** What puts an engine right that may change nothing else. */
const MENDING: ReadonlySet<string> = new Set(['/system/check']);

export const routes: readonly Route[] = table.map(([method, path, reply, access, handler, since = 0]) => ({
  method,
  path,
  reply,
  access,
  handler,
  since,
  mends: MENDING.has(path),
}));
