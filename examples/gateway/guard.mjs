// node guard.mjs <folder> – reads process ids from standard input, `+<pid>` and `-<pid>`, one a line. At its end, which comes
// however the process that writes it ends, the processes that are left are killed and the folder is deleted.
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [, , folder] = process.argv;
const left = new Set();
for await (const line of createInterface({ input: process.stdin })) {
  const pid = Number(line.slice(1));
  if (line.startsWith('+')) left.add(pid);
  else left.delete(pid);
}
for (const pid of left) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}
rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
