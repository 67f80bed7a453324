/** The tour: the library at work, in one process and between several. Exits with 1 if anything is not as it says. */

import { mkdtempSync, realpathSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { collected } from './collected.mjs';
import { counting } from './counting.mjs';
import { paths } from './paths.mjs';
import { processes } from './processes.mjs';
import { reclaimed } from './reclaimed.mjs';
import { paint, part, say, sayListing, scene } from './stage.mjs';
import { clearStage } from './troupe.mjs';

/** Ends a tour that hangs; no measure of how long it takes. */
const watchdogMs = 60_000;

/** Exit status as of a program that SIGPIPE has ended. */
const pipeStatus = 141;

let failed = false;

const directory = mkdtempSync(join(realpathSync(tmpdir()), 'sockref-tour-'));
// Bare names of sockets, here and in the processes that the tour starts, are in this directory.
process.env['SOCKREF_DIR'] = directory;

setTimeout(() => {
  void fail(new Error(`the tour did not end within ${watchdogMs} ms`));
}, watchdogMs).unref();

// A reader that leaves, as in `npm start | head`, ends the tour without a message; the tour still cleans up.
process.stdout.on('error', (error) => void fail(error, hasLeft(error)));
process.stderr.on('error', () => {});

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void fail(new Error(`stopped by ${signal}`)));

try {
  console.log(`sockref: reference-counted Unix domain sockets\n${paint('dim', `in ${directory}`)}`);

  part('One process');
  await counting(directory);
  await paths(directory);
  await collected(directory);

  part('Several processes');
  await reclaimed(directory);
  await processes(directory);

  scene('Nothing is left behind');
  sayListing(directory);
  // Fails unless the directory is empty.
  rmdirSync(directory);
  say('rmdir', 'ok');
  console.log('\nAll of it was checked on the way. Next: README.md, docs/guide.md');
} catch (error) {
  await fail(error);
}

/**
 * @param {unknown} error
 * @param {boolean} [readerLeft]
 */
async function fail(error, readerLeft = false) {
  // Ending the processes makes their scene fail, too; report the first error only.
  if (failed) return;
  failed = true;
  if (!readerLeft) console.error(`\n${paint('red', 'The tour failed:')}`, error);
  await clearStage();
  rmSync(directory, { recursive: true, force: true });
  // Sockets that are still served here would keep the process alive.
  process.exit(readerLeft ? pipeStatus : 1);
}

/** @param {NodeJS.ErrnoException} error */
function hasLeft(error) {
  return error.code === 'EPIPE';
}
