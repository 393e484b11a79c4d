const { commitAndDie, commitLast, start } = require('./with-files.cjs');

const [step, serverUrl, folder] = process.argv.slice(2);
if (step === 'die') commitAndDie(folder);
start(serverUrl, folder).then((report) => {
  console.log(JSON.stringify(report));
  commitLast(serverUrl, folder);
});
