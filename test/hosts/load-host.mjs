/** The projects, one a host, each with its checks in `host.mjs`. */
export const PROJECTS = new URL('projects/', import.meta.url);

/** @returns The host of a project. */
export const loadHost = async (id) => ({ id, ...(await import(new URL(`${id}/host.mjs`, PROJECTS).href)).default });
