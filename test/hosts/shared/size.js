import { Api } from 'nikdev-iot';

globalThis.Api = Api;
