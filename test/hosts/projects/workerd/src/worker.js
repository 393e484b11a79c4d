import { Api } from 'nikdev-iot';
import { apiKey, deviceId } from './shared/credentials.js';

export default {
  async fetch(_request, { SERVER, VALUE }) {
    const api = new Api({ deviceId, apiKey, baseUrl: SERVER });
    api.addValue('temperature', Number(VALUE));
    await api.commitAndPush();
    const [reading] = await api.get('temperature');
    await api.close();
    return new Response(`read back ${reading.value}`);
  },
};
