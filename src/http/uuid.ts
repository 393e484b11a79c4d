import * as v from 'valibot';

const UUID = 'a UUID (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx)';

export const uuid = v.pipe(v.string(UUID), v.uuid(UUID));
