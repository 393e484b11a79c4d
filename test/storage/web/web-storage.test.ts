import { storageContract } from '../../contract/storage-contract.js';
import { LockedOrigin, PlainOrigin } from '../../support/fakes/web-origins.js';

storageContract('webStorage with Web Locks', () => new LockedOrigin());
storageContract('webStorage on plain http', () => new PlainOrigin());
