import { once } from 'node:events';
import { acquire, SocketManager } from 'sockref';
import { get, greeter } from './greeter.mjs';
import { check, listing, say, sayListing, scene } from './stage.mjs';
import { Peer } from './troupe.mjs';

/**
 * A killed process cleans up nothing. The next one does, from the record in the lock file.
 *
 * @param {string} directory
 */
export async function reclaimed(directory) {
  scene('What a killed process leaves is reclaimed');
  const peer = new Peer();
  await peer.do('acquire', 'crash.sock');
  await peer.kill();
  check(listing(directory).length, 3, 'what the killed process left');
  say(`process ${peer.pid} serves crash.sock; kill -KILL ${peer.pid}`);
  sayListing(directory);
  const info = await SocketManager.default.inspect('crash.sock');
  check(info?.state, 'stale', 'what inspect() says');
  say("manager.inspect('crash.sock')", `${info?.state}, left by pid ${info?.owner?.pid}`);

  const event = once(SocketManager.default, 'reclaimed');
  const reference = await acquire('crash.sock', { serve: greeter() });
  const [{ pid, files }] = await event;
  check(pid, peer.pid, 'the process that left the files');
  say("acquire('crash.sock', { serve })", `reclaimed ${files.join(', ')} of pid ${pid}`);
  say('client: GET /', await get(reference, '/'));
  await reference.close();
  check(listing(directory).length, 0, 'what is left in the directory');
  say('close()');
  sayListing(directory);
}
