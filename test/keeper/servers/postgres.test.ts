import { join } from 'node:path';
import { expect, it } from 'vitest';
import { kill } from '../../../labs/lib/signals.mjs';
import { behind, logsOf, output, type ServerCommand, serverOf, twice } from '../../helpers/behind.js';
import { isRoot, otherUid } from '../../helpers/place.js';
import { start } from '../../helpers/program.js';
import { root } from '../../helpers/samples.js';
import { until } from '../../helpers/until.js';

// It refuses to run as root: then all of it belongs to somebody else, whoever holds the references included.
const user = isRoot ? { uid: otherUid, gid: otherUid } : {};

/** A process of that user, which holds a reference. */
async function hold(path: string, server: ServerCommand) {
  // It has a coverage of its own, in a folder that is not that user's.
  const program = await start('holder.mjs', { ...user, env: { NODE_V8_COVERAGE: undefined } });
  await program.ask({ do: 'acquire', path, server });
  return {
    close: async () => {
      await program.ask({ do: 'close' });
      program.end();
      await program.exited;
    },
  };
}

it('PostgreSQL runs behind a socket, and is started again when it is killed', () =>
  behind(
    async (where) => {
      const data = join(where.scratch, 'data');
      const command = [join(root, 'examples/postgres/postgres.sh'), data, '{socket}'];
      const psql = (sql: string) =>
        output('psql', ['-h', where.directory, '-U', 'app', '-d', 'postgres', '-XAt', '-c', sql], user);
      // Fast: what its clients have open is ended. By SIGTERM it would wait for them.
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
        hold,
      );
      const log = logsOf(where);
      expect(log.match(/database system is shut down$/gm)).toHaveLength(2);
      expect(log).not.toContain('not properly shut down');

      // Its processes are groups of their own: none of them may keep the next one from starting.
      const path = join(where.directory, '.s.PGSQL.5432');
      const held = await hold(path, server);
      await kill(serverOf(path));
      expect(await until('it is started again', () => psql('SELECT name FROM fruit').catch(() => undefined))).toBe(
        'pear',
      );
      await held.close();
    },
    isRoot ? otherUid : undefined,
  ));
