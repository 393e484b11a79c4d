/** The codes of Node for a disk, a quota or a file that can't grow. */
export const DISK_FULL = /^(?:ENOSPC|EDQUOT|EFBIG)$/;

/** @returns The remedy for a code of {@link DISK_FULL}. */
export const freeSpace = (code: string): string =>
  code === 'EFBIG' ? 'raise the limit of the size of a file (ulimit -f)' : 'free some disk space';

/** The codes of Node where no file and no connection can be opened. */
export const TOO_MANY_FILES = /^E[MN]FILE$/;
export const CLOSE_FILES =
  'Too many files are open: in this process (EMFILE: check ulimit -n and its files), or in the system (ENFILE).';
