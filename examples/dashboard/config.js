// Everyone who can open the page can read this file: use an API key that may do no more than the page must.
window.DASHBOARD = {
  // The heading of the page.
  name: 'Greenhouse',
  deviceId: '<Device ID>',
  apiKey: '<API Key>',
  baseUrl: 'https://iot.nik-dev.se/api/v1/',
  // How often the server is asked for values.
  everySeconds: 5,
  // A field with an input ('number', 'text' or 'boolean') can be entered in the page too: that takes a key that may write.
  fields: [
    { id: '<Field ID 1>', label: 'Temperature', unit: '°C' },
    { id: '<Field ID 2>', label: 'Humidity', unit: '%' },
    { id: '<Field ID 3>', label: 'Note', input: 'text' },
  ],
};
