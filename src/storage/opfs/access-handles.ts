/** The members of a `FileSystemSyncAccessHandle` that are used: an open file, locked for all other workers. */
export interface AccessHandle {
  read(target: Uint8Array, options: { readonly at: number }): number;
  write(bytes: Uint8Array, options: { readonly at: number }): number;
  truncate(size: number): void;
  getSize(): number;
  flush(): void;
  close(): void;
}

/** The members of a `FileSystemFileHandle` that are used. */
export interface AccessibleFile {
  /** Only in dedicated workers. Rejects while another worker has the file open. */
  createSyncAccessHandle?(): Promise<AccessHandle>;
}

/** The members of a `FileSystemDirectoryHandle` that are used. */
export interface AccessibleFolder {
  getDirectoryHandle(name: string, options: { readonly create: boolean }): Promise<AccessibleFolder>;
  getFileHandle(name: string, options: { readonly create: boolean }): Promise<AccessibleFile>;
  keys(): AsyncIterable<string>;
  removeEntry(name: string): Promise<void>;
}

/** The members of `navigator.storage` that are used. */
export interface StorageManagerLike {
  /** Absent on plain http, and in browsers without an origin private file system. */
  getDirectory?(): Promise<AccessibleFolder>;
}
