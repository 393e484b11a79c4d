import { fileStorage } from 'nikdev-iot/node';
import { roundTrip } from './src/shared/round-trip.js';

console.log(await roundTrip({ storage: fileStorage('readings') }));
