// Looked up, not named: whoever compiles without these types must still be able to import ours.

/** The platform's `Request`, where its types are known. */
export type PlatformRequest = typeof globalThis extends { Request: { prototype: infer Type } } ? Type : never;

/** The platform's `Response`, where its types are known. */
export type PlatformResponse = typeof globalThis extends { Response: { prototype: infer Type } } ? Type : never;
