/**
 * What the simulation found in `src` and leaves out until it is mended: where it is, and what happens. To see one fail
 * again, set it to `false`.
 */
export const KNOWN_FAULTS = {
  /**
   * file-store.ts `#close`, `save`: where an `Api` that shares its file is closed, or a sync fails, the living turn to a new
   * file, and one writer's entries stand in two. After a crash two processes may take one each: the later entries may be
   * delivered first (I4).
   */
  oneWriterInTwoFiles: true,
  /**
   * file-store.ts `#close`, `#isUsed`: what a closed `Api` left in a file that it shared is not given back while the file
   * holds staged values of one that is open: it waits until that one stages again, commits or ends (I6).
   */
  closedBesideStagedValuesWaits: true,
};
