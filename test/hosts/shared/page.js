import { roundTrip } from './round-trip.js';

roundTrip().then((line) => {
  document.body.textContent = line;
});
