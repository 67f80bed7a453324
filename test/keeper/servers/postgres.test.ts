import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { kill } from '../../../labs/lib/signals.mjs';
import { behind, logsOf, output, type ServerCommand, serverOf, twice } from '../../helpers/behind.js';
import { copyPackage, giveTo, nodeForEveryUser } from '../../helpers/copied-package.js';
import { isRoot, otherUid } from '../../helpers/place.js';
import { start } from '../../helpers/program.js';
import { root } from '../../helpers/samples.js';
import { until } from '../../helpers/until.js';

// It refuses to run as root. Then everything belongs to another user, including the process that holds the references.
const user = isRoot ? { uid: otherUid, gid: otherUid } : {};

/** Copies of the programs for that user, because the checkout may be closed to others. */
function install(scratch: string) {
  const project = join(scratch, 'project');
  copyPackage('sockref', join(project, 'node_modules'));
  for (const [from, to] of [
    ['test/fixtures/holder.mjs', 'holder.mjs'],
    ['examples/postgres/postgres.sh', 'postgres.sh'],
  ] as const) {
    cpSync(join(root, from), join(project, to));
  }
  const node = nodeForEveryUser(project);
  if (isRoot) giveTo(otherUid, project);
  return { holder: join(project, 'holder.mjs'), script: join(project, 'postgres.sh'), node };
}

/** A process of that user, which holds a reference. */
async function hold(path: string, server: ServerCommand, { holder, node }: ReturnType<typeof install>) {
  // The folder of the coverage does not belong to that user.
  const program = await start(holder, { ...user, node, env: { NODE_V8_COVERAGE: undefined } });
  await program.ask({ do: 'acquire', path, server });
  return {
    close: async () => {
      await program.ask({ do: 'close' });
      program.end();
      await program.exited;
    },
  };
}

it('PostgreSQL runs behind a socket, and restarts when it is killed', () =>
  behind(
    async (where) => {
      const data = join(where.scratch, 'data');
      const installed = install(where.scratch);
      const command = [installed.script, data, '{socket}'];
      const psql = (sql: string) =>
        output('psql', ['-h', where.directory, '-U', 'app', '-d', 'postgres', '-XAt', '-c', sql], user);
      // A fast end: it closes the connections of its clients. With SIGTERM it would wait for them.
      const server = { command, stopSignal: 'SIGINT' as const, cwd: where.scratch };
      await twice(
        where,
        '.s.PGSQL.5432',
        server,
        async (_path, cycle) => {
          if (cycle === 1) {
            await psql('CREATE TABLE fruit (name text)');
            await psql("INSERT INTO fruit VALUES ('pear')");
          }
          expect(await psql('SELECT name FROM fruit')).toBe('pear');
        },
        (path, server) => hold(path, server, installed),
      );
      const log = logsOf(where);
      expect(log.match(/database system is shut down$/gm)).toHaveLength(2);
      expect(log).not.toContain('not properly shut down');

      // Its processes have their own groups: none of them may prevent the next start.
      const path = join(where.directory, '.s.PGSQL.5432');
      const held = await hold(path, server, installed);
      await kill(serverOf(path));
      expect(await until('it is started again', () => psql('SELECT name FROM fruit').catch(() => undefined))).toBe(
        'pear',
      );
      await held.close();
    },
    isRoot ? otherUid : undefined,
  ));
