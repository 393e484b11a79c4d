import { createPinia } from 'pinia';
import { createApp } from 'vue';
import Device from './DeviceOfStore.vue';

createApp(Device).use(createPinia()).mount('#root');
