/**
 * Client of the NikDev IoT server: {@link Api} stages, commits and pushes values, online or offline, in Node, pages and workers.
 *
 * @module nikdev-iot
 */

// Staging, committing and pushing.
export { Api, type CloseOptions, type CommitOptions } from './api.js';
export type { ApiKeySource, ApiOptions } from './core/options/options.js';
export type { Entry, QuarantinedEntry } from './core/model/entry.js';
export type { FetchLike, FetchInit, ResponseLike } from './core/ports/web-types.js';
export type { PushResult } from './core/model/events.js';
export type { FieldValue, Value } from './core/model/value.js';

// Policies of delivery, each loaded only where it is imported.
export { thin } from './core/outbox/thinning.js';
export { gzip } from './transport/gzip.js';
export type { Compression } from './core/ports/compression.js';

// Reading values, and testing the connection.
export type { ConnectionTest } from './core/read/connection-test.js';
export type { NamedReading, Reading, ReadingOf } from './core/model/reading.js';
export type { WatchOptions } from './core/read/watch-iterator.js';

// Status and events.
export type {
  AdoptEvent,
  DiscardEvent,
  Events,
  PushEvent,
  QuarantineEvent,
  LogLevel,
  RequestEvent,
  RetryEvent,
  Warning,
} from './core/model/events.js';
export type { LastPush, ReadingHealth, Status } from './core/model/status.js';

export { type LoggerLike, type LogOptions, logTo } from './log-to.js';

// Exceptions.
export {
  ApiException,
  ConfigException,
  isApiException,
  StorageException,
  type StorageExceptionDetails,
  ValueException,
} from './core/model/exceptions.js';
export type { AnswerDetails, PushDetails } from './core/model/request-exceptions.js';
export { GetException, PushException } from './core/model/request-exceptions.js';

// Names and schemas of fields.
export type {
  FieldDefinition,
  FieldDefinitions,
  FieldIds,
  FieldInput,
  FieldInputs,
  FieldName,
  FieldOutput,
  SchemaField,
} from './core/model/fields.js';
export type { SchemaResult, StandardSchema } from './core/model/standard-schema.js';

// Storages.
export { memoryStorage } from './storage/memory/memory-storage.js';
export type { WebStorageLike } from './storage/web/records/keys.js';
export { webStorage, type WebStorageOptions } from './storage/web/web-storage.js';

// Types for custom storage adapters.
export type { Destination } from './core/model/destination.js';
export type { Clock, TimerOptions } from './core/time/clock.js';
export type { Rejection, StoredEntry } from './core/model/entry.js';
export type {
  AdoptOptions,
  Adoption,
  LastValue,
  OwnershipLoss,
  SaveOptions,
  StorageAdapter,
  Writer,
} from './core/ports/storage.js';
export type { Durability } from './core/model/status.js';

// Further types of the API.
export type { HostEnvironment, LifecycleEvent } from './core/ports/environment.js';
export type { AbortSignalLike } from './core/ports/web-types.js';
export type { CallOptions } from './core/options/options.js';
export type { OverflowChooser, OverflowPolicy, PushOrder } from './core/options/options.js';
export type { RefusedCredentialsPolicy } from './core/options/options.js';
