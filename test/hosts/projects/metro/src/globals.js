import { URL, URLSearchParams } from 'react-native/Libraries/Blob/URL';
import { fetch, Headers, Request, Response } from 'react-native/Libraries/Network/fetch';
import { AbortController } from 'react-native/src/private/webapis/dom/abort-api/AbortController';
import { AbortSignal_public as AbortSignal } from 'react-native/src/private/webapis/dom/abort-api/AbortSignal';

// As React Native's setUpXHR does.
Object.assign(globalThis, { fetch, Headers, Request, Response, URL, URLSearchParams, AbortController, AbortSignal });
