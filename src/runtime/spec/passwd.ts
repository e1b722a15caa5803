/** A line of /etc/passwd. Source: passwd(5). */
export interface PasswdEntry {
  name: string;
  uid: number;
  gid: number;
  home: string;
}

/** A line of /etc/group. Source: group(5). */
export interface GroupEntry {
  name: string;
  gid: number;
  members: string[];
}

/** Lines without numbers where numbers belong are passed over. */
export function parsePasswd(text: string): PasswdEntry[] {
  return fieldsOf(text).flatMap(([name, , uid, gid, , home]) => {
    if (!name || !isId(uid) || !isId(gid)) return [];
    return [{ name, uid: Number(uid), gid: Number(gid), home: home || '/' }];
  });
}

/** Lines without a number where one belongs are passed over. */
export function parseGroup(text: string): GroupEntry[] {
  return fieldsOf(text).flatMap(([name, , gid, members]) => {
    if (!name || !isId(gid)) return [];
    return [{ name, gid: Number(gid), members: (members ?? '').split(',').filter((member) => member !== '') }];
  });
}

function fieldsOf(text: string): string[][] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'));
}

function isId(text: string | undefined): boolean {
  return text !== undefined && /^\d+$/.test(text);
}
