import type { Backend } from '#api/server/backend.ts';
import { execView } from '#container/exec.ts';
import { copyFromContainer, readContainerPath, statContainerPath, writeContainerPath } from '#daemon/archive.ts';
import { attachContainer, resizeContainer } from '#daemon/attach.ts';
import { containerChanges } from '#daemon/changes.ts';
import { checkStore } from '#daemon/check/check.ts';
import { commitContainer } from '#daemon/commit.ts';
import { connectNetwork, disconnectNetwork } from '#daemon/connect.ts';
import { createContainer } from '#daemon/create/create.ts';
import { diskUsage } from '#daemon/disk-usage.ts';
import type { Engine } from '#daemon/engine.ts';
import { createExec } from '#daemon/exec/create.ts';
import { resizeExec } from '#daemon/exec/resize.ts';
import { openExecSession } from '#daemon/exec/session.ts';
import { startExec } from '#daemon/exec/start.ts';
import { exportContainer } from '#daemon/export.ts';
import { authenticate } from '#daemon/images/authenticate.ts';
import { inspectImage, listImages } from '#daemon/images/image-views.ts';
import { importFrom } from '#daemon/images/import-image.ts';
import { inspectDistribution } from '#daemon/images/inspect-distribution.ts';
import { pruneImages } from '#daemon/images/prune-images.ts';
import { pullImage } from '#daemon/images/pull-image.ts';
import { pushImage } from '#daemon/images/push-image.ts';
import { putRemoteManifest, readRemoteManifest } from '#daemon/images/remote-manifests.ts';
import { removeImage } from '#daemon/images/remove-image.ts';
import { searchImages } from '#daemon/images/search-images.ts';
import { systemInfo, systemVersion } from '#daemon/info.ts';
import { killContainer } from '#daemon/kill.ts';
import { inspectContainer, listContainers } from '#daemon/list.ts';
import { containerLogs } from '#daemon/logs.ts';
import { createNetwork, inspectNetwork, listNetworks, pruneNetworks, removeNetwork } from '#daemon/network-verbs.ts';
import { pauseContainer, unpauseContainer } from '#daemon/pause.ts';
import { pruneContainers } from '#daemon/prune-containers.ts';
import { pruneVolumes } from '#daemon/prune-volumes.ts';
import { removeByName } from '#daemon/remove.ts';
import { renameContainer } from '#daemon/rename.ts';
import { restartContainer } from '#daemon/restart.ts';
import { inspectWithSizes, listWithSizes } from '#daemon/sizes.ts';
import { startContainer } from '#daemon/start.ts';
import { containerStats } from '#daemon/stats.ts';
import { stopContainer } from '#daemon/stop.ts';
import { containerTop } from '#daemon/top.ts';
import { updateContainer } from '#daemon/update.ts';
import { waitForContainer } from '#daemon/wait.ts';

/** The engine as the API server sees it. `restart` has another engine take over once the replies are out. */
export function engineBackend(engine: Engine, restart: () => void): Backend {
  const { graph, events, volumes } = engine;
  return {
    system: {
      info: () => systemInfo(engine),
      version: async () => systemVersion(),
      diskUsage: (types) => diskUsage(engine, types),
      events: (query, signal) => events.stream(query, signal),
      check: async (options, listener, signal) => {
        const summary = await checkStore(engine, options, listener, signal);
        if (summary.restarts) restart();
        return summary;
      },
      authenticate: (auth, signal) => authenticate(engine, auth, signal),
      welcome: () => engine.warmCgroups(), // most clients come to start something
    },
    images: {
      list: (query) => listImages(graph, query),
      inspect: (name, query) => inspectImage(graph, name, query),
      history: (name, { platform }) => graph.history(name, platform),
      tag: (name, target) => graph.tag(name, target),
      remove: (name, options) => removeImage(engine, name, options),
      prune: (filters) => pruneImages(engine, filters),
      graph: async () => graph.viz(),
      pull: (request, emit, signal) => pullImage(engine, request, emit, signal),
      push: (request, emit, signal) => pushImage(engine, request, emit, signal),
      remoteManifest: (image, auth, signal) => readRemoteManifest(engine, image, auth, signal),
      putRemoteManifest: (request, signal) => putRemoteManifest(engine, request, signal),
      search: (request, signal) => searchImages(engine, request, signal),
      distribution: (image, auth, signal) => inspectDistribution(engine, image, auth, signal),
      import: (request, emit, signal) => importFrom(engine, request, emit, signal),
      save: (names, { platforms }) => graph.save(names, platforms),
      load: (body, options, emit, signal) => graph.load(body, { ...options, signal }, emit),
    },
    networks: {
      list: async ({ filters }) => listNetworks(engine, filters),
      inspect: async (name, { scope }) => inspectNetwork(engine, name, scope),
      create: (request) => createNetwork(engine, request),
      connect: (name, request) => connectNetwork(engine, name, request),
      disconnect: (name, request) => disconnectNetwork(engine, name, request),
      remove: (name) => removeNetwork(engine, name),
      prune: ({ filters }) => pruneNetworks(engine, filters),
    },
    volumes: {
      list: async ({ filters }) => volumes.list(filters),
      inspect: async (name) => volumes.inspect(name),
      create: (request) => volumes.create(request),
      remove: (name, options) => volumes.remove(name, options),
      prune: ({ filters }) => pruneVolumes(engine, filters),
    },
    execs: {
      create: async (id, request) => {
        engine.warmCgroups();
        return (await createExec(engine, engine.containers.get(id), request)).id;
      },
      start: (id, options) => openExecSession(engine, id, options),
      startDetached: async (id, { consoleSize }) =>
        void (await startExec(engine, engine.execs.get(id), { consoleSize })),
      resize: (id, { height, width }) => resizeExec(engine, id, height, width),
      inspect: async (id) => execView(engine.execs.get(id)),
    },
    files: {
      changes: (id) => containerChanges(engine, id),
      export: (id, to) => exportContainer(engine, id, to),
      stat: (id, path) => statContainerPath(engine, id, path),
      read: (id, path, to) => readContainerPath(engine, id, path, to),
      write: (id, path, body, options) => writeContainerPath(engine, id, path, body, options),
      copy: (id, path, to) => copyFromContainer(engine, id, path, to),
      commit: (id, request) => commitContainer(engine, id, request),
    },
    containers: {
      create: (request) => {
        engine.warmCgroups();
        return createContainer(engine, request);
      },
      list: async (query) => (query.size ? listWithSizes(engine, query) : listContainers(engine, query)),
      inspect: async (id, { size }) => (size ? inspectWithSizes(engine, id) : inspectContainer(engine, id)),
      start: (id, { hostConfig }) => {
        engine.warmCgroups();
        return startContainer(engine, id, hostConfig);
      },
      stop: (id, options) => stopContainer(engine, id, options),
      restart: (id, options) => restartContainer(engine, id, options),
      kill: (id, { signal }) => killContainer(engine, id, signal),
      remove: (id, options) => removeByName(engine, id, options),
      pause: (id) => pauseContainer(engine, id),
      unpause: (id) => unpauseContainer(engine, id),
      rename: (id, name) => renameContainer(engine, id, name),
      update: (id, request) => updateContainer(engine, id, request),
      prune: (filters) => pruneContainers(engine, filters),
      top: (id, psArguments) => containerTop(engine, id, psArguments),
      wait: (id, condition, signal) => waitForContainer(engine, id, condition, signal),
      stats: (id, query, signal) => containerStats(engine, id, query, signal),
      logs: (id, query, signal) => containerLogs(engine, id, query, signal),
      attach: (id, options) => attachContainer(engine, id, options),
      resize: (id, { height, width }) => resizeContainer(engine, id, height, width),
    },
  };
}
