import { fileStorage } from 'nikdev-iot/node';
import { roundTrip } from './shared/round-trip.js';

roundTrip({ storage: fileStorage('readings') }).then(console.log);
