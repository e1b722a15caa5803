import { notFound, notImplemented, unavailable } from '#errors/errors.ts';
import type { Call } from '../call.ts';
import { json, type Reply } from '../reply.ts';

/** Routes of the API that this engine does not serve, each with the reason. */

/** 501, naming the route. */
export function absent({ route }: Call): Reply {
  throw notImplemented(`${route.method} ${route.path} is not implemented in this release`);
}

/** 501 for what only BuildKit's client asks for. */
export function buildKit({ route }: Call): Reply {
  throw notImplemented(`${route.method} ${route.path} (BuildKit) is not implemented in this release`, {
    hint: 'set DOCKER_BUILDKIT=0 to build without BuildKit',
  });
}

/** There is no build cache to prune. */
export function noBuildCache(): Reply {
  return json({ CachesDeleted: null, SpaceReclaimed: 0 });
}

/** 503, as of an engine outside a swarm. */
export function swarm(): Reply {
  throw unavailable(
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" ' +
      'to connect this node to swarm and try again.',
  );
}

/** 503: there is no swarm to be made or joined. */
export function swarmEntrance(): Reply {
  throw unavailable('Swarm mode is not part of this engine', {
    hint: 'for several machines use Kubernetes, which can drive this engine through cri-dockerd',
  });
}

/** There are no plugins, and there will be none. */
export function noPlugins(): Reply {
  return json([]);
}

/** 404: whatever its name, it is not there. */
export function noSuchPlugin({ name }: Call): Reply {
  throw notFound(`plugin "${name.replace(/\/(json|enable|disable|push|set|upgrade)$/, '')}" not found`);
}
