import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url);

/** The command line, as the package installs it. */
export const sockref = fileURLToPath(
  new URL(JSON.parse(readFileSync(new URL('package.json', root), 'utf8')).bin.sockref, root),
);
