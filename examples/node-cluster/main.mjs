/** Four workers share one core. The worker with the core is killed, and another one takes over. See README.md. */

import cluster from 'node:cluster';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmdirSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const workers = 4;
const fruits = ['apple', 'pear', 'plum', 'quince', 'cherry'];

const directory = mkdtempSync(join(tmpdir(), 'node-cluster-'));
cluster.setupPrimary({ exec: fileURLToPath(new URL('worker.mjs', import.meta.url)) });

const [port] = await Promise.all(Array.from({ length: workers }, startWorker));
console.log(`${workers} workers listen on port ${port}`);

const { core } = await askForAll();
console.log(`kill -9 ${core}, the worker with the core; and a new worker for it`);
await replace(core);
await askForAll();

console.log('the workers are told to end');
await Promise.all(Object.values(cluster.workers ?? {}).map((worker) => end(worker)));
console.log(`left in the directory: ${readdirSync(directory).join(' ') || '(nothing)'}`);
rmdirSync(directory);

/** Starts a worker; resolves to the port when it listens. The port is the same for all. */
async function startWorker() {
  const worker = cluster.fork({ CORE_SOCKET: join(directory, 'core.sock') });
  const [address] = await once(worker, 'listening');
  return address.port;
}

/** Asks four times for each fruit, all at once; says which workers answered. */
async function askForAll() {
  const answers = await Promise.all([...fruits, ...fruits, ...fruits, ...fruits].map(ask));
  const by = new Set(answers.map(({ worker }) => worker));
  const cores = [...new Set(answers.map(({ core }) => core))];
  const lookUps = Math.max(...answers.map(({ lookUps }) => lookUps));
  console.log(
    `${answers.length} requests, answered by ${by.size} workers; ${lookUps} look-ups, all in process ${cores.join(', ')}`,
  );
  return { core: cores[0] ?? 0 };
}

/**
 * @param {string} fruit
 * @returns {Promise<{value: string, lookUps: number, core: number, worker: number}>}
 */
async function ask(fruit) {
  return new Promise((resolve, reject) => {
    // A connection of its own for each request, so that the cluster spreads them over its workers.
    const options = { port, path: `/${fruit}`, host: '127.0.0.1', agent: /** @type {const} */ (false) };
    get(options, (answer) => resolve(/** @type {any} */ (json(answer)))).on('error', reject);
  });
}

/** @param {number} pid */
async function replace(pid) {
  const worker = Object.values(cluster.workers ?? {}).find((one) => one?.process.pid === pid);
  if (!worker) throw new Error(`process ${pid} is no worker`);
  const gone = once(worker, 'exit');
  worker.process.kill('SIGKILL');
  await gone;
  await startWorker();
}

/** @param {import('node:cluster').Worker | undefined} worker */
async function end(worker) {
  if (!worker) return;
  const gone = once(worker, 'exit');
  worker.disconnect();
  await gone;
}
