import { DestroyRef, Injectable, inject, signal } from '@angular/core';
import { Api, type Reading } from 'nikdev-iot';
import { options } from './shared/sensor.js';

@Injectable({ providedIn: 'root' })
export class Readings {
  readonly api = new Api({ ...options, autoPush: { everySeconds: 1 } });
  readonly status = signal(this.api.status());
  readonly latest = signal<readonly Reading[]>([]);

  constructor() {
    const unsubscribe = this.api.subscribe(() => this.status.set(this.api.status()));
    inject(DestroyRef).onDestroy(() => {
      unsubscribe();
      void this.api.close();
    });
    this.follow().catch(console.error);
  }

  private async follow(): Promise<void> {
    for await (const readings of this.api.watch('temperature', { everySeconds: 1 })) this.latest.set(readings);
  }
}
