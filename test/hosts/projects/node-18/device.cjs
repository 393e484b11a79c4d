const { Api } = require('nikdev-iot');
const { fileStorage } = require('nikdev-iot/node');

const { SERVER, VALUE } = process.env;

async function main() {
  const { options } = await import('./src/shared/sensor.js');
  const api = new Api({ ...options, baseUrl: SERVER, storage: fileStorage('readings-of-commonjs') });
  api.addValue('temperature', Number(VALUE));
  await api.commitAndPush();
  const [reading] = await api.get('temperature');
  await api.close();
  console.log(`read back ${reading.value}`);
}

main();
