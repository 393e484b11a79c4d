import { createApp } from 'vue';
import Device from './Device.vue';
import { options, temperature } from './shared/sensor.js';

createApp(Device, { options, temperature }).mount('#root');
