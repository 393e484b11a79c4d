import { describeSimulation } from './run-schedules.js';

describeSimulation(1);
