import { liveThrough } from './live-through.js';

liveThrough(0);
