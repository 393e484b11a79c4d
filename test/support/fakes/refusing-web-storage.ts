import { FakeWebStorage } from './fake-web.js';

/** A `localStorage` whose calls throw a `SecurityError` where `refuse` says so. */
export class RefusingWebStorage extends FakeWebStorage {
  refuse = (_call: string, _key: string): boolean => false;
  #check(call: string, key = ''): void {
    if (this.refuse(call, key)) throw Object.assign(new Error('denied'), { name: 'SecurityError' });
  }
  override get length(): number {
    this.#check('length');
    return super.length;
  }
  override key(i: number) {
    this.#check('key');
    return super.key(i);
  }
  override getItem(k: string) {
    this.#check('getItem', k);
    return super.getItem(k);
  }
  override setItem(k: string, v: string) {
    this.#check('setItem', k);
    super.setItem(k, v);
  }
  override removeItem(k: string) {
    this.#check('removeItem', k);
    super.removeItem(k);
  }
}
