import { createApp } from 'vue';
import Device from './DeviceRef.vue';
import { options, temperature } from './shared/sensor.js';

createApp(Device, { options, temperature }).mount('#root');
