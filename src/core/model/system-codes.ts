/** The codes of Node for a disk, a quota or a file that can't grow. */
export const DISK_FULL = /^(?:ENOSPC|EDQUOT|EFBIG)$/;
