import { Api } from 'nikdev-iot';
import { fileStorage } from 'nikdev-iot/node';

// Commits as fast as it can and pushes now and then, telling each commit that returned and each push; until it is killed.
const [folder, baseUrl] = process.argv.slice(2);
const credentials = {
  deviceId: '11111111-1111-4111-8111-111111111111',
  apiKey: '22222222-2222-4222-8222-222222222222',
};
const api = new Api({ ...credentials, baseUrl, storage: fileStorage(folder, { durability: 'process' }) });
const tell = (line) => process.stdout.write(`${line}\n`);

let count = 0;
function commitSome() {
  for (let more = 0; more < 20; more++) {
    api.addValue('reading', `${process.pid}-${count++}`);
    tell(`committed ${api.commit().values[0].value}`);
  }
  setImmediate(commitSome);
}
async function pushForEver() {
  for (;;) {
    tell('pushing');
    await api.push().catch((exception) => tell(exception.message));
  }
}
commitSome();
await api.ready;
tell('ready');
await pushForEver();
