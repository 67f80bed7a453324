/** One of the racing processes: runs a recipe on command, and reports the outcome. */

import { answer } from '../lib/child.mjs';
import { askWho, instance } from '../lib/identity.mjs';
import { predecessors, recipes } from './recipes.mjs';

/** @type {import('./recipes.mjs').Outcome | undefined} */
let outcome;

answer({
  who: () => instance,
  go: async ({ recipe, path, command }) => {
    outcome = await recipes[recipe]?.(path, command);
    return { serves: outcome?.serves, connectedTo: outcome?.connectedTo };
  },
  look: async (path) => (await askWho(path)).who,
  end: async () => {
    await outcome?.end();
    outcome = undefined;
  },
  precede: async ({ recipe, paths, command }) => {
    const keepers = [];
    for (const path of paths) keepers.push(await predecessors[recipe]?.(path, command));
    return keepers.filter((pid) => typeof pid === 'number');
  },
});
