/**
 * The way to the server, with a switch in it: what `Api` takes as `fetch`.
 *
 * @param {(answer: { ok: boolean, status?: number, retryAfter?: string }) => void} onRead - Called with the outcome of each reading.
 */
export function createLink(onRead) {
  const link = {
    isCut: false,
    async fetch(url, init) {
      if (link.isCut) throw new TypeError('This page is switched offline.');
      const isRead = init.method === 'GET';
      try {
        const response = await window.fetch(url, init);
        if (isRead) void isWhole(response.clone()).then((ok) => onRead({ ok, ...detailsOf(response) }));
        return response;
      } catch (error) {
        if (isRead) onRead({ ok: false });
        throw error;
      }
    },
  };
  return link;
}

/** A captive portal answers with 200 too, and an answer may break off. */
async function isWhole(response) {
  try {
    const { data } = await response.json();
    return response.ok && data.servertime !== undefined;
  } catch {
    return false;
  }
}

function detailsOf({ status, headers }) {
  return { status, retryAfter: headers.get('Retry-After') ?? undefined };
}
