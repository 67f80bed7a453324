/**
 * Makes sure that the system programs of the tests are installed. As root on Debian and similar systems it installs the
 * missing ones. Elsewhere it says what is missing and how to get it, and exits with 1. It installs servers as programs
 * only: none is started, now or at the next start of the machine.
 */

import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';

/**
 * @typedef {object} Tool
 * @property {string} program found on PATH, or in one of the folders
 * @property {string[]} packages the Debian packages that hold it
 * @property {string} purpose what the tests do with it
 * @property {() => string[]} [folders] where else to look: not every user has these on PATH
 * @property {string} [service] what its package would have the system start
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
  { program: 'redis-server', packages: ['redis-server'], purpose: 'runs behind a socket', service: 'redis-server' },
  { program: 'redis-cli', packages: ['redis-tools'], purpose: 'its client' },
  {
    program: 'postgres',
    packages: ['postgresql'],
    purpose: 'runs behind a socket',
    folders: postgresFolders,
    service: 'postgresql',
  },
  { program: 'psql', packages: ['postgresql-client'], purpose: 'its client' },
  {
    program: 'nginx',
    packages: ['nginx'],
    purpose: 'runs behind a socket',
    folders: () => ['/usr/sbin'],
    service: 'nginx',
  },
  { program: 'python3', packages: ['python3'], purpose: 'runs a server behind a socket' },
  { program: 'pip3', packages: ['python3-pip'], purpose: 'installs the package for Python' },
];

/** Debian's file that says "do not start any service now"; the installation of packages obeys it. */
const startNothing = { path: '/usr/sbin/policy-rc.d', text: '#!/bin/sh\nexit 101\n', mode: 0o755 };
/** No database cluster of the system's either: the tests make their own. */
const noCluster = {
  path: '/etc/postgresql-common/createcluster.d/sockref.conf',
  text: 'create_main_cluster = false\n',
  mode: 0o644,
};

const wanted = TOOLS.filter(({ platforms }) => !platforms || platforms.includes(process.platform));

let missing = wanted.filter((tool) => !isThere(tool));
if (missing.length > 0 && process.getuid?.() === 0 && isOnPath('apt-get')) {
  install(missing);
  missing = missing.filter((tool) => !isThere(tool));
}

if (missing.length > 0) {
  console.error('setup: the tests need programs that are not on PATH:');
  for (const { program, purpose } of missing) {
    console.error(`  ${program}: ${purpose}`);
  }
  const packages = packagesOf(missing).join(' ');
  console.error(`On Debian or Ubuntu: sudo apt-get install ${packages}`);
  console.error('Elsewhere: the packages of the same names in your package manager.');
  process.exitCode = 1;
} else {
  console.log(`setup: ${wanted.map(({ program }) => program).join(', ')}: all there`);
}

/** @param {Tool[]} tools */
function install(tools) {
  const packages = packagesOf(tools);
  console.log(`setup: installing ${packages.join(' ')}`);
  apt('update');
  withFiles([startNothing, noCluster], () => apt('install', '--yes', '--no-install-recommends', ...packages));
  const services = tools.flatMap(({ service }) => service ?? []);
  // A service that is not started now would start with the machine.
  if (services.length > 0 && isOnPath('systemctl')) run('systemctl', ['--quiet', 'disable', ...services]);
}

/**
 * Runs work while files exist; existing ones are left as they are.
 *
 * @param {{path: string, text: string, mode: number}[]} files
 * @param {() => void} work
 */
function withFiles(files, work) {
  const made = files.filter(({ path }) => !existsSync(path));
  // Ctrl-C ends the running command. This program ends after it has removed the files.
  const wait = () => {};
  process.on('SIGINT', wait);
  try {
    for (const { path, text, mode } of made) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text, { mode });
    }
    work();
  } finally {
    for (const { path } of made) rmSync(path, { force: true });
    process.off('SIGINT', wait);
  }
}

/**
 * @param {Tool[]} tools
 * @returns {string[]}
 */
function packagesOf(tools) {
  return tools.flatMap(({ packages }) => packages);
}

/** Debian keeps the server of each version in a folder of its own, which is not on PATH. */
function postgresFolders() {
  const base = '/usr/lib/postgresql';
  return existsSync(base) ? readdirSync(base).map((version) => join(base, version, 'bin')) : [];
}

/**
 * @param {Tool} tool
 * @returns {boolean}
 */
function isThere({ program, folders }) {
  return isOnPath(program) || (folders?.() ?? []).some((folder) => isExecutable(join(folder, program)));
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

/** @param {string[]} args */
function apt(...args) {
  run('apt-get', ['--quiet', ...args]);
}

/**
 * A failure is not fatal: what counts is whether the programs exist afterwards.
 *
 * @param {string} program
 * @param {string[]} args
 */
function run(program, args) {
  const { status, error } = spawnSync(program, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (status !== 0) {
    console.error(`setup: ${program} ${args.slice(0, 2).join(' ')} failed (${error?.message ?? `status ${status}`})`);
  }
}
