/**
 * Readings that arrive: {@link Api} stages, commits and pushes values to the NikDev IoT server, offline or not, in Node,
 * pages and workers.
 *
 * @module nikdev-iot
 */

// The way of a reading.
export { Api, type CloseOptions, type CommitOptions } from './api.js';
export type { ApiOptions } from './core/config.js';
export type { Entry, QuarantinedEntry } from './core/entry.js';
export type { Fetch, FetchResponse } from './core/fetch.js';
export type { OverflowPolicy } from './core/overflow.js';
export type { PushResult } from './core/push-run.js';
export type { RefusedCredentialsPolicy } from './core/pusher.js';
export type { CallOptions, Signal } from './core/signal.js';
export type { FieldValue, Value } from './core/value.js';

// Reading and asking.
export type { ConnectionTest } from './core/connection.js';
export type { NamedReading, Reading, ReadingOf } from './core/reading.js';
export type { WatchOptions } from './core/watch.js';

// How things stand.
export type {
  AdoptEvent,
  DiscardEvent,
  DropEvent,
  Events,
  PushEvent,
  QuarantineEvent,
  RetryEvent,
  Warning,
} from './core/events.js';
export type { LastPush, Status } from './core/status.js';

// What can go wrong.
export {
  type AnswerDetails,
  ApiException,
  ConfigException,
  GetException,
  isApiException,
  type PushDetails,
  PushException,
  StorageException,
  ValueException,
} from './core/exceptions.js';

// Names of fields, and what they may hold.
export type {
  FieldDefinition,
  FieldDefinitions,
  FieldIds,
  FieldInput,
  FieldInputs,
  FieldName,
  FieldOutput,
  SchemaField,
} from './core/fields.js';
export type { SchemaResult, StandardSchema } from './core/standard-schema.js';

// Where entries wait.
export { memoryStorage } from './storage/memory-storage.js';
export type { WebStorageLike } from './storage/web-keys.js';
export { webStorage, type WebStorageOptions } from './storage/web-storage.js';

// For storage adapters of your own.
export type { Binding } from './core/binding.js';
export type { Clock } from './core/clock.js';
export type { Refusal, StoredEntry } from './core/entry.js';
export type { Adoption, Durability, Loss, StorageAdapter, Writer } from './core/storage.js';
