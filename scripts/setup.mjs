/**
 * Makes sure that the system programs which the tests run are there. As root on Debian and its kin the missing ones
 * are installed; anywhere else the script says what is missing and how to get it, and exits with 1.
 */

import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * @typedef {object} Tool
 * @property {string} program found on PATH
 * @property {string[]} packages the Debian packages that hold it
 * @property {string} purpose what the tests do with it
 * @property {NodeJS.Platform[]} [platforms] the only ones on which the tests need it; without it: all
 */

/** @type {Tool[]} */
const TOOLS = [
  { program: 'curl', packages: ['curl'], purpose: 'a client that is not ours' },
  {
    program: 'strace',
    packages: ['strace'],
    purpose: 'ends a process at a chosen system call',
    platforms: ['linux'],
  },
  { program: 'spin', packages: ['spin'], purpose: 'checks the model of the protocol' },
  { program: 'cc', packages: ['gcc', 'libc6-dev'], purpose: 'compiles the checker that spin writes' },
];

const wanted = TOOLS.filter(({ platforms }) => !platforms || platforms.includes(process.platform));

let missing = wanted.filter(({ program }) => !isOnPath(program));
if (missing.length > 0 && process.getuid?.() === 0 && isOnPath('apt-get')) {
  const packages = missing.flatMap((tool) => tool.packages);
  console.log(`setup: installing ${packages.join(' ')}`);
  apt('update');
  apt('install', '--yes', '--no-install-recommends', ...packages);
  missing = missing.filter(({ program }) => !isOnPath(program));
}

if (missing.length > 0) {
  console.error('setup: the tests need programs that are not on PATH:');
  for (const { program, purpose } of missing) {
    console.error(`  ${program}: ${purpose}`);
  }
  const packages = missing.flatMap((tool) => tool.packages).join(' ');
  console.error(`On Debian or Ubuntu: sudo apt-get install ${packages}`);
  console.error('Elsewhere: the packages of the same names in your package manager.');
  process.exitCode = 1;
} else {
  console.log(`setup: ${wanted.map(({ program }) => program).join(', ')}: all there`);
}

/**
 * @param {string} program
 * @returns {boolean}
 */
function isOnPath(program) {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter(Boolean)
    .some((folder) => isExecutable(join(folder, program)));
}

/**
 * @param {string} path
 * @returns {boolean}
 */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * A failure is not fatal by itself: what counts is whether the programs are there afterwards.
 *
 * @param {string[]} args
 */
function apt(...args) {
  const { status, error } = spawnSync('apt-get', ['--quiet', ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (status !== 0) {
    console.error(`setup: apt-get ${args[0]} failed (${error?.message ?? `status ${status}`})`);
  }
}
