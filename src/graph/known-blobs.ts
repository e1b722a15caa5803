import type { Digest } from '#lib/digest.ts';
import type { Database, Statement } from '#metadata/database.ts';

/** A compressed blob of which is known which layer it holds. */
export interface KnownBlob {
  digest: Digest;
  mediaType: string;
  /** Bytes. */
  size: number;
  /** Where it is or was: `docker.io/library/busybox`, the latest first. */
  repositories: readonly string[];
}

/** Repositories that are remembered of one blob. */
const MAX_REPOSITORIES = 16;

type Row = { digest: Digest; media_type: string; size: number; repository: string | null };

/** The blobs that hold a layer. */
export async function knownBlobs({ db }: { db: Database }, diffId: Digest): Promise<KnownBlob[]> {
  const rows = await db.read<Row>(
    `SELECT b.digest, b.media_type, b.size, r.repository
       FROM blobs b LEFT JOIN blob_repositories r ON r.digest = b.digest
      WHERE b.diff_id = ? ORDER BY r.seen_at DESC`,
    [diffId],
  );
  return [...Map.groupBy(rows, (row) => row.digest).values()].map((same) => {
    const { digest, media_type: mediaType, size } = same[0]!;
    return { digest, mediaType, size, repositories: same.flatMap(({ repository }) => repository ?? []) };
  });
}

/** The rows that remember which layer a blob holds, and in which repository it is. */
export function blobStatements(
  { digest, mediaType, size, diffId }: { digest: Digest; mediaType: string; size: number; diffId: Digest },
  repository: string | undefined,
  now: bigint,
): Statement[] {
  const blob = {
    sql: 'INSERT INTO blobs (digest, media_type, size, diff_id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    params: [digest, mediaType, size, diffId],
  };
  if (repository === undefined) return [blob];
  return [
    blob,
    {
      sql: `INSERT INTO blob_repositories (digest, repository, seen_at) VALUES (?, ?, ?)
              ON CONFLICT DO UPDATE SET seen_at = excluded.seen_at`,
      params: [digest, repository, now],
    },
    {
      sql: `DELETE FROM blob_repositories WHERE digest = ?1 AND repository NOT IN
              (SELECT repository FROM blob_repositories WHERE digest = ?1 ORDER BY seen_at DESC LIMIT ${MAX_REPOSITORIES})`,
      params: [digest],
    },
  ];
}
