import { roundTrip } from '../../src/shared/round-trip.js';

export const POST = async () => new Response(await roundTrip());
