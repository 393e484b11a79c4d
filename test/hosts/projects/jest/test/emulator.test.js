const { Api } = require('nikdev-iot');
const { createEmulator } = require('nikdev-iot/emulator');

const deviceId = '11111111-1111-4111-8111-111111111111';
const apiKey = '22222222-2222-4222-8222-222222222222';

test('the door is stored', async () => {
  const emulator = createEmulator({ devices: [{ deviceId, apiKeys: [{ key: apiKey, read: true, write: true }] }] });
  const api = new Api({ deviceId, apiKey, fetch: emulator.fetch });
  api.addValue('door', true);
  await api.commitAndPush();
  expect(emulator.entries(deviceId)).toHaveLength(1);
  expect(await api.get('door')).toMatchObject([{ value: true }]);
  await api.close();
});
