const { Api } = require('nikdev-iot');
const { createEmulator } = require('nikdev-iot/emulator');

const deviceId = '11111111-1111-4111-8111-111111111111';
const apiKey = '22222222-2222-4222-8222-222222222222';

afterEach(() => jest.useRealTimers());

test('automatic pushes go by the timers of the test', async () => {
  jest.useFakeTimers();
  const emulator = createEmulator({ devices: [{ deviceId, apiKeys: [{ key: apiKey, read: true, write: true }] }] });
  const api = new Api({ deviceId, apiKey, fetch: emulator.fetch, autoPush: { everySeconds: 10 } });
  api.addValue('door', true);
  api.commit();
  expect(emulator.entries(deviceId)).toHaveLength(0);
  await jest.advanceTimersByTimeAsync(10_000);
  expect(emulator.entries(deviceId)).toHaveLength(1);
  await api.close();
});
