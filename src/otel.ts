/**
 * Metrics of `Api`s for OpenTelemetry. Needs the package `@opentelemetry/api`.
 *
 * @module nikdev-iot/otel
 */

export { type InstrumentedApi, type InstrumentOptions, instrument } from './otel/instrument.js';
