/** The codes of Node for a disk, a quota or a file that can't grow. */
export const DISK_FULL = /^(?:ENOSPC|EDQUOT|EFBIG)$/;

/** The codes of Node where no file and no connection can be opened. */
export const TOO_MANY_FILES = /^E[MN]FILE$/;
export const CLOSE_FILES = 'The process has too many open files: check what it opens and its limit (ulimit -n).';
