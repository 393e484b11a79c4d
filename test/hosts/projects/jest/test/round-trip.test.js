const { Api } = require('nikdev-iot');

const { SERVER, VALUE } = process.env;
const credentials = {
  deviceId: '11111111-1111-4111-8111-111111111111',
  apiKey: '22222222-2222-4222-8222-222222222222',
};

test('a reading goes the whole way', async () => {
  const api = new Api({ ...credentials, baseUrl: SERVER });
  api.addValue('temperature', Number(VALUE));
  await api.commitAndPush();
  const [reading] = await api.get('temperature');
  await api.close();
  expect(reading.value).toBe(Number(VALUE));
  process.stdout.write(`read back ${reading.value}`);
});
