import { provideZoneChangeDetection } from '@angular/core';
import { bootstrapApplication } from '@angular/platform-browser';
import { Device } from './device.component';

bootstrapApplication(Device, { providers: [provideZoneChangeDetection()] }).catch(console.error);
