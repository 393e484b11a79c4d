import { start } from './with-files.mjs';

console.log(JSON.stringify(await start(process.argv[2])));
