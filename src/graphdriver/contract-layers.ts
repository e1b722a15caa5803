import type { ContractEntry } from './contract-tree.ts';

const ns = { mtime: 1_700_000_000, mtimeNs: 123_456_789 };

/** One of each thing that a tar can hold and a file system can keep. */
export const everyKind: readonly ContractEntry[] = [
  { type: 'directory', name: 'dir', mode: 0o1777, uid: 1000, gid: 100_000, ...ns },
  { type: 'file', name: 'dir/file', body: 'content', mode: 0o4755, uid: 70_000, gid: 4_294_967_294, ...ns },
  { type: 'file', name: 'dir/empty', mode: 0, ...ns },
  { type: 'file', name: 'dir/block', body: Buffer.alloc(512, 1), mtime: 0 },
  { type: 'file', name: 'dir/blocks', body: Buffer.alloc(70_001, 'abc'), mtime: 5_000_000_000, mtimeNs: 1 },
  { type: 'file', name: 'dir/old', body: 'old', mtime: 0, mtimeNs: 5 },
  { type: 'link', name: 'dir/hard', linkName: 'dir/file', mode: 0o4755, uid: 70_000, gid: 4_294_967_294, ...ns },
  { type: 'link', name: 'hard-too', linkName: 'dir/file', mode: 0o4755, uid: 70_000, gid: 4_294_967_294, ...ns },
  { type: 'symlink', name: 'sym', linkName: 'dir/file', uid: 5, ...ns },
  { type: 'symlink', name: 'sym-long', linkName: `/${'x/'.repeat(2000)}y`, ...ns },
  { type: 'symlink', name: 'sym-dangling', linkName: '../../nowhere', ...ns },
  { type: 'fifo', name: 'fifo', mode: 0o600, ...ns },
  { type: 'character', name: 'null', mode: 0o666, deviceMajor: 1, deviceMinor: 3, ...ns },
  { type: 'block', name: 'disk', mode: 0o660, deviceMajor: 259, deviceMinor: 70_000, ...ns },
  { type: 'file', name: `${'n'.repeat(255)}`, body: 'long name', ...ns },
  { type: 'file', name: 'not-utf-8-\xff\xfe', body: 'bytes', ...ns },
  {
    type: 'file',
    name: 'attributes',
    body: 'x',
    ...ns,
    xattrs: new Map([
      ['user.text', Buffer.from('value')],
      ['user.empty', Buffer.alloc(0)],
      ['user.large', Buffer.alloc(2000, 7)],
      ['trusted.something', Buffer.from([0, 1, 2])],
      ['security.capability', Buffer.from('0100000200040000000000000000000000000000', 'hex')],
    ]),
  },
  { type: 'directory', name: 'many', ...ns },
  ...Array.from(
    { length: 300 },
    (_, i): ContractEntry => ({ type: 'file', name: `many/file number ${i}`, body: `${i}`, ...ns }),
  ),
];
