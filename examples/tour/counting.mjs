import { lstatSync } from 'node:fs';
import { basename } from 'node:path';
import { acquire, SocketManager } from 'sockref';
import { get, greeter } from './greeter.mjs';
import { check, listing, references, say, sayListing, scene } from './stage.mjs';

/** One process: the count goes up, the count goes down, and the last close cleans up. @param {string} directory */
export async function counting(directory) {
  scene('The first reference starts the server');
  const first = await acquire('tour.sock', { serve: greeter() });
  check(first.role, 'owner', 'the role');
  check(first.referenceCount, 1, 'the count');
  say("acquire('tour.sock', { serve: httpServer })", `${first.role}, ${references(first.referenceCount)}`);
  const mode = lstatSync(first.path).mode & 0o777;
  check(mode, 0o600, 'the mode of the socket');
  say('mode of the socket file', `0${mode.toString(8)}: only you can connect`);
  sayListing(directory);

  scene('Every later acquire shares it');
  const second = await acquire('tour.sock');
  say("acquire('tour.sock')", references(second.referenceCount));
  const third = second.clone();
  say('reference.clone()', references(third.referenceCount));
  const fourth = SocketManager.default.getExisting(first.path);
  if (!fourth) throw new Error('not as told: getExisting() found nothing');
  say('manager.getExisting(path)', references(fourth.referenceCount));
  check(first.referenceCount, 4, 'the count that the first one reads');

  const answers = await Promise.all([first, second, third, fourth].map((reference) => get(reference, '/')));
  for (const answer of answers) check(answer, `hello from pid ${process.pid}`, 'the answer');
  say('four clients: GET /', `4 × "${answers[0]}"`);

  scene('The last reference stops it');
  for (const reference of [first, fourth, second]) {
    await reference.close();
    check(reference.isActive, false, 'the closed reference');
    say('close()', `${references(third.referenceCount)} left`);
  }
  await third.close();
  check(listing(directory).length, 0, 'what is left in the directory');
  say(`close(), the last one: ${basename(third.path)} is gone`);
  sayListing(directory);
}
