import type { OciNamespace } from './oci.ts';
import type { NamespaceChoice, NamespaceChoices } from './spec-input.ts';

/** The namespaces the runtime makes or joins. One that is the host's is not in the list: that is how OCI says it. */
export function containerNamespaces(choices: NamespaceChoices): OciNamespace[] {
  return [
    { type: 'mount' },
    ...one('network', choices.network),
    ...one('uts', choices.uts),
    ...one('pid', choices.pid),
    ...one('ipc', choices.ipc),
    ...one('cgroup', choices.cgroup),
  ];
}

function one(type: OciNamespace['type'], choice: NamespaceChoice): OciNamespace[] {
  if (choice === 'host') return [];
  return choice === 'private' ? [{ type }] : [{ type, path: choice.path }];
}
