// Everyone who can open the page can read what stands here: use an API key that may only read.
window.DASHBOARD = {
  deviceId: '<Device ID>',
  apiKey: '<API Key>',
  baseUrl: 'https://iot.nik-dev.se/api/v1/',
  fields: [
    { id: '<Field ID 1>', label: 'Temperature', unit: '°C' },
    { id: '<Field ID 2>', label: 'Humidity', unit: '%' },
  ],
};
