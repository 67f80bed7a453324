import { expect, it } from 'vitest';
import { withDirectory } from '../helpers/directory.js';
import { start } from '../helpers/program.js';

it('loads no module of Node that takes long before it is needed', () =>
  withDirectory(async (directory) => {
    const program = await start('loaded-modules.mjs', { args: [`${directory}/a.sock`] });
    const { byImport, all } = await program.line();
    expect(byImport).toContain('net');
    for (const slow of ['crypto', 'child_process', 'http', 'tls', 'cluster']) expect(byImport).not.toContain(slow);
    // The first listener of a process makes Node load its cluster, which needs `child_process`.
    for (const slow of ['crypto', 'http', 'tls']) expect(all).not.toContain(slow);
    expect(await program.exited).toMatchObject({ code: 0, stderr: '' });
  }));
