import { ApplicationRef, Component, inject, signal } from '@angular/core';
import { Readings } from './readings.service';
import { temperature } from './shared/sensor.js';

@Component({
  selector: 'app-device',
  template: `
    <button type="button" (click)="store()">Store</button>
    <p>{{ readings.status().committed }} queued</p>
    @for (reading of readings.latest(); track reading.fieldId) {
      <p>read back {{ reading.value }}</p>
    }
    <p>{{ isStable() ? 'the app is stable' : 'the app is busy' }}</p>
  `,
})
export class Device {
  readonly readings = inject(Readings);
  readonly isStable = signal(false);

  constructor() {
    inject(ApplicationRef)
      .whenStable()
      .then(() => this.isStable.set(true));
  }

  store(): void {
    this.readings.api.addValue('temperature', temperature);
    this.readings.api.commit();
  }
}
