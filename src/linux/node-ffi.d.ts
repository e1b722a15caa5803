/** The part of Node 26's experimental `node:ffi` that `ffi.ts` uses; @types/node does not have it yet. */
declare module 'node:ffi' {
  type NativeType = 'i32' | 'i64' | 'u64' | 'pointer' | 'buffer';
  interface Signature {
    arguments: NativeType[];
    return: NativeType;
  }
  /** 64-bit integers and pointers are BigInt in both directions. */
  export function dlopen<Name extends string>(
    library: string,
    signatures: Record<Name, Signature>,
  ): { functions: Record<Name, (...values: (number | bigint | Uint8Array)[]) => number | bigint> };
  export function getInt32(pointer: bigint, offset: number): number;
}
