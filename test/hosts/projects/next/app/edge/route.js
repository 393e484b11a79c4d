import { Api } from 'nikdev-iot';
import { apiKey, deviceId } from '../../src/shared/credentials.js';

export const runtime = 'edge';

export async function POST() {
  const api = new Api({ deviceId, apiKey, baseUrl: process.env.SERVER });
  api.addValue('temperature', Number(process.env.VALUE));
  await api.commitAndPush();
  const [reading] = await api.get('temperature');
  await api.close();
  return new Response(`read back ${reading.value}`);
}
