import type { Command } from './command.ts';

export interface CommandEntry {
  /** Every way to call it; the first is the one that help texts use. */
  names: string[];
  summary: string;
  load(): Promise<{ command: Command }>;
}

/** The type of a command's flags is known to the command only. */
const entry = (names: string, summary: string, load: () => Promise<{ command: unknown }>): CommandEntry => ({
  names: names.split(', '),
  summary,
  load: load as CommandEntry['load'],
});

/** Every command. Modules are loaded when their command is called: start-up time is part of the feel. */
export const commandTable: CommandEntry[] = [
  entry(
    'attach, container attach',
    "Connect this terminal to a running container's streams",
    () => import('./commands/attach.ts'),
  ),
  entry('commit, container commit', 'Make an image of what a container changed', () => import('./commands/commit.ts')),
  entry('cp, container cp', 'Copy files from or to a container', () => import('./commands/cp.ts')),
  entry('context create', 'Give a daemon a name', () => import('./commands/context-create.ts')),
  entry('context export', 'Write a context to a tar archive', () => import('./commands/context-export.ts')),
  entry('context import', 'Make a context of a tar archive', () => import('./commands/context-import.ts')),
  entry('context inspect', 'Show everything about contexts', () => import('./commands/context-inspect.ts')),
  entry('context ls, context list', 'List contexts', () => import('./commands/context-ls.ts')),
  entry('context rm, context remove', 'Remove contexts', () => import('./commands/context-rm.ts')),
  entry('context show', 'Print the name of the context in use', () => import('./commands/context-show.ts')),
  entry('context update', 'Change a context', () => import('./commands/context-update.ts')),
  entry('context use', 'Use a context from now on', () => import('./commands/context-use.ts')),
  entry('create, container create', 'Make a container from an image', () => import('./commands/create.ts')),
  entry('diff, container diff', 'Show which files a container changed', () => import('./commands/diff.ts')),
  entry(
    'events, system events',
    'Show what happens in the engine, as it happens',
    () => import('./commands/events.ts'),
  ),
  entry('exec, container exec', 'Run a command in a running container', () => import('./commands/exec.ts')),
  entry('export, container export', 'Write all files of a container as a tar', () => import('./commands/export.ts')),
  entry('graph', 'Show how images stand on the layers that they share', () => import('./commands/graph.ts')),
  entry('history, image history', 'Show the layers of an image', () => import('./commands/history.ts')),
  entry('images, image ls, image list', 'List images', () => import('./commands/images.ts')),
  entry('import, image import', 'Make an image of a tar archive', () => import('./commands/import.ts')),
  entry('info, system info', 'Show what the engine is and has', () => import('./commands/info.ts')),
  entry('inspect', 'Show everything about containers, images and other objects', () => import('./commands/inspect.ts')),
  entry('container inspect', 'Show everything about containers', () => import('./commands/container-inspect.ts')),
  entry('image inspect', 'Show everything about images', () => import('./commands/image-inspect.ts')),
  entry('image prune', 'Remove images that nobody uses', () => import('./commands/image-prune.ts')),
  entry('kill, container kill', 'Kill running containers, or send them a signal', () => import('./commands/kill.ts')),
  entry('load, image load', 'Load images from a tar archive or standard input', () => import('./commands/load.ts')),
  entry('login', 'Log in to a registry', () => import('./commands/login.ts')),
  entry('logout', 'Forget the credentials for a registry', () => import('./commands/logout.ts')),
  entry('logs, container logs', 'Show what a container has printed', () => import('./commands/logs.ts')),
  entry(
    'manifest annotate',
    'Say which platform an image of a list is for',
    () => import('./commands/manifest-annotate.ts'),
  ),
  entry('manifest create', 'Make a list of manifests', () => import('./commands/manifest-create.ts')),
  entry('manifest inspect', 'Show a manifest or a list of manifests', () => import('./commands/manifest-inspect.ts')),
  entry('manifest push', 'Push a list of manifests', () => import('./commands/manifest-push.ts')),
  entry('manifest rm', 'Forget lists of manifests', () => import('./commands/manifest-rm.ts')),
  entry('network connect', 'Bring a container onto a network', () => import('./commands/network-connect.ts')),
  entry('network create', 'Make a network', () => import('./commands/network-create.ts')),
  entry('network disconnect', 'Take a container off a network', () => import('./commands/network-disconnect.ts')),
  entry('network inspect', 'Show everything about networks', () => import('./commands/network-inspect.ts')),
  entry('network ls, network list', 'List networks', () => import('./commands/network-ls.ts')),
  entry('network prune', 'Remove the networks that no container uses', () => import('./commands/network-prune.ts')),
  entry('network rm, network remove', 'Remove networks', () => import('./commands/network-rm.ts')),
  entry('ps, container ls, container list, container ps', 'List containers', () => import('./commands/ps.ts')),
  entry('pull, image pull', 'Pull an image from its registry', () => import('./commands/pull.ts')),
  entry('push, image push', 'Push an image to its registry', () => import('./commands/push.ts')),
  entry('pause, container pause', 'Freeze all processes of containers', () => import('./commands/pause.ts')),
  entry('port, container port', 'Show which ports of the host are a container’s', () => import('./commands/port.ts')),
  entry('rename, container rename', 'Give a container another name', () => import('./commands/rename.ts')),
  entry('container prune', 'Remove all stopped containers', () => import('./commands/container-prune.ts')),
  entry('top, container top', 'Show the processes of a container', () => import('./commands/top.ts')),
  entry('unpause, container unpause', 'Let paused containers go on', () => import('./commands/unpause.ts')),
  entry('update, container update', 'Change the limits of containers', () => import('./commands/update.ts')),
  entry('restart, container restart', 'Stop containers and start them again', () => import('./commands/restart.ts')),
  entry('rm, container rm, container remove', 'Remove containers', () => import('./commands/rm.ts')),
  entry('rmi, image rm, image remove', 'Remove images', () => import('./commands/rmi.ts')),
  entry('run, container run', 'Make a container from an image and start it', () => import('./commands/run.ts')),
  entry('save, image save', 'Write images to a tar archive or standard output', () => import('./commands/save.ts')),
  entry('search', 'Search a registry for images', () => import('./commands/search.ts')),
  entry('start, container start', 'Start stopped containers', () => import('./commands/start.ts')),
  entry('stats, container stats', 'Show what containers use, as it changes', () => import('./commands/stats.ts')),
  entry('stop, container stop', 'Stop running containers', () => import('./commands/stop.ts')),
  entry(
    'system dial-stdio',
    "Tie standard input and output to the daemon's socket (for -H ssh://)",
    () => import('./commands/system-dial-stdio.ts'),
  ),
  entry('system df', 'Show what takes the space', () => import('./commands/system-df.ts')),
  entry('system prune', 'Remove what nobody uses', () => import('./commands/system-prune.ts')),
  entry(
    'system check',
    'Compare what is stored with what the database says, and repair it',
    () => import('./commands/system-check.ts'),
  ),
  entry('tag, image tag', 'Give an image another name', () => import('./commands/tag.ts')),
  entry('volume create', 'Make a volume', () => import('./commands/volume-create.ts')),
  entry('volume inspect', 'Show everything about volumes', () => import('./commands/volume-inspect.ts')),
  entry('volume ls, volume list', 'List volumes', () => import('./commands/volume-ls.ts')),
  entry('volume prune', 'Remove the volumes that no container uses', () => import('./commands/volume-prune.ts')),
  entry('volume rm, volume remove', 'Remove volumes', () => import('./commands/volume-rm.ts')),
  entry('version', 'Show the versions of client and daemon', () => import('./commands/version.ts')),
  entry(
    'wait, container wait',
    'Wait until containers stop, then print their exit codes',
    () => import('./commands/wait.ts'),
  ),
];

/** The groups that a command can also be called by. */
export const groups: Record<string, string> = {
  container: 'Manage containers',
  context: 'Manage contexts: names for daemons',
  image: 'Manage images',
  manifest: 'Manage manifests and lists of them',
  network: 'Manage networks',
  system: 'Manage the engine',
  volume: 'Manage volumes',
};
