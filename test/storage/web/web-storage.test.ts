import { storageContract } from '../../contract/storage-contract.js';
import { LooseWebStorage } from '../../support/fakes/fake-web.js';
import { LockedOrigin, PlainOrigin } from '../../support/fakes/web-origins.js';

storageContract('webStorage with Web Locks', () => new LockedOrigin());
storageContract('webStorage on plain http', () => new PlainOrigin());
storageContract(
  'webStorage with Web Locks, and undefined for a missing key',
  () => new LockedOrigin(new LooseWebStorage()),
);
storageContract(
  'webStorage on plain http, and undefined for a missing key',
  () => new PlainOrigin(new LooseWebStorage()),
);
