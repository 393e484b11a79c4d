// node read-back.mjs <field id>… – prints the last values of fields as JSON, read from the server.
import { Api } from 'nikdev-iot';

const { NIKDEV_DEVICE_ID: deviceId, NIKDEV_API_KEY: apiKey, NIKDEV_URL: baseUrl } = process.env;
const api = new Api({ deviceId, apiKey, baseUrl });
console.log(JSON.stringify(await api.get(process.argv.slice(2))));
await api.close();
