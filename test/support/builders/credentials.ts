import type { ApiOptions } from '../../../src/index.js';

export const DEVICE_ID = '11111111-1111-4111-8111-111111111111';
export const API_KEY = '22222222-2222-4222-8222-222222222222';
export const credentials = { deviceId: DEVICE_ID, apiKey: API_KEY } as const;

/** Options that can be passed to a page: a function can't. */
export type PageOptions = Omit<ApiOptions, 'apiKey'> & { readonly apiKey: string };
