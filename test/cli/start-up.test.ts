import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { bundled, cli, withServed } from '../helpers/cli.js';
import { start } from '../helpers/program.js';

/** Has a program say at its end, on stderr, which of its own files it has loaded, and whether native code was among them. */
const tell = `
import { createRequire } from 'node:module';
process.on('exit', () => {
  const own = Object.keys(createRequire(import.meta.url).cache).map((file) => /dist.bin.([a-z]+)/.exec(file)?.[1]);
  const native = process.report.getReport().sharedObjects.some((file) => file.includes('fs-native'));
  process._rawDebug(JSON.stringify({ own: own.filter(Boolean).sort(), native }));
});
`;

it('to join, run loads neither native code nor what other commands need', () =>
  withServed(async ({ env, below }) => {
    const owner = await start('holder.mjs', { env });
    await owner.ask({ do: 'acquire', path: 'a.sock', serve: true });
    const preload = join(below('.'), 'tell.mjs');
    writeFileSync(preload, tell);
    const NODE_OPTIONS = `--import=${pathToFileURL(preload)}`;
    const options = { env: { ...env, NODE_OPTIONS }, program: bundled, cwd: below('.') };
    const { code, stderr } = await cli(['run', 'a.sock', '--', 'printenv', 'SOCKREF_PATH'], options);
    expect(code).toBe(0);
    const { own, native } = JSON.parse(stderr);
    expect(native).toBe(false);
    expect(own).toEqual(expect.arrayContaining(['manager', 'run', 'sockref']));
    for (const part of ['table', 'ls', 'inspect', 'doctor', 'logs', 'stop', 'connect', 'demo']) {
      expect(own).not.toContain(part);
    }
    // The other way round, so that a name that has changed is noticed.
    const listed = await cli(['ls'], options);
    expect(JSON.parse(listed.stderr).own).toEqual(expect.arrayContaining(['table', 'ls']));
    owner.end();
    await owner.exited;
  }));
