export { Api } from 'nikdev-iot';
