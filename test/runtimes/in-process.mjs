import { commitAndDie, commitLast, start } from './with-files.mjs';

const [step, serverUrl, folder] = process.argv.slice(2);
if (step === 'die') commitAndDie(folder);
console.log(JSON.stringify(await start(serverUrl, folder)));
commitLast(serverUrl, folder);
