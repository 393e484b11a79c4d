import { defineStore } from 'pinia';
import { options } from './shared/sensor.js';
import { useDevice, useReadings } from './useDevice.js';

export const useDeviceStore = defineStore('device', () => {
  const { api, status } = useDevice(options);
  const { readings } = useReadings(api, 'temperature', { everySeconds: 1 });
  function store(temperature) {
    api.addValue('temperature', temperature);
    api.commit();
  }
  return { api, status, readings, store };
});
