import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { bundled, cli, withServed } from '../helpers/cli.js';
import { start } from '../helpers/program.js';

/** Makes a program report on stderr, at its end, which parts of Node it loaded, and whether it loaded native code. */
const tell = `
process.on('exit', () => {
  const own = process.moduleLoadList.filter((name) => name.startsWith('NativeModule ')).map((name) => name.slice(13));
  const native = process.report.getReport().sharedObjects.some((file) => file.includes('fs-native'));
  process._rawDebug(JSON.stringify({ own, native }));
});
`;

/** Parts of Node that take milliseconds to load, together some eight. */
const slow = ['crypto', 'internal/crypto/hash', 'perf_hooks', 'internal/fs/promises'];

it('to join, run loads neither native code nor slow parts of Node', () =>
  withServed(async ({ env, below }) => {
    const owner = await start('holder.mjs', { env });
    await owner.ask({ do: 'acquire', path: 'a.sock', serve: true });
    const preload = join(below('.'), 'tell.cjs');
    writeFileSync(preload, tell);
    // By `require`, because `import` would load some of these parts.
    const options = { env: { ...env, NODE_OPTIONS: `--require=${preload}` }, program: bundled, cwd: below('.') };
    const { code, stderr } = await cli(['run', 'a.sock', '--', 'printenv', 'SOCKREF_PATH'], options);
    expect(code).toBe(0);
    const { own, native } = JSON.parse(stderr);
    expect(native).toBe(false);
    expect(own).toContain('child_process');
    for (const part of slow) expect(own).not.toContain(part);
    // The opposite case, so that the test notices a changed name.
    const all = "require('crypto').createHash('md5'); performance.now(); require('fs').promises";
    const { stderr: loaded } = await cli(['-e', all], { ...options, command: [process.execPath] });
    expect(JSON.parse(loaded).own).toEqual(expect.arrayContaining(slow));
    const { stderr: asked } = await cli(['run', 'b.sock', '--', 'true'], options);
    expect(asked).toContain('"native":true');
    owner.end();
    await owner.exited;
  }));
