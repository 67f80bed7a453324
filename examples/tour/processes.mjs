import { SocketManager } from 'sockref';
import { check, listing, references, say, sayListing, scene, until } from './stage.mjs';
import { Peer } from './troupe.mjs';

const name = 'shared.sock';

/**
 * Five processes, one server; its process is killed; the others continue; the last close cleans up.
 *
 * @param {string} directory
 */
export async function processes(directory) {
  scene('Five processes start at once and share one server');
  const peers = Array.from({ length: 5 }, () => new Peer());
  await Promise.all(peers.map((peer) => peer.do('acquire', name)));
  const owner = await settled(peers);
  const info = await SocketManager.default.inspect(name);
  check(info?.references, 5, 'the count that inspect() sees');
  check(info?.owner?.pid, owner.pid, 'the owner that inspect() sees');
  await sayAll(peers, owner);
  say('manager.inspect(), from a sixth process', `${references(info?.references ?? 0)}, owner ${info?.owner?.pid}`);

  scene('The owner is killed in mid-flight');
  const others = peers.filter((peer) => peer !== owner);
  await Promise.all(others.map((peer) => peer.do('begin')));
  say('each of the others has half of an answer');
  const killed = performance.now();
  await owner.kill();
  say(`kill -KILL ${owner.pid}`);
  for (const peer of others) {
    const { cut } = await peer.do('finish');
    check(cut, 'ECONNRESET', `the end of the answer in process ${peer.pid}`);
  }
  say('their four requests end', 'ECONNRESET: that server is gone');
  const answers = await Promise.all(others.map((peer) => peer.do('get')));
  const took = Math.round(performance.now() - killed);
  const successor = await settled(others);
  for (const { answer } of answers) check(answer, `hello from pid ${successor.pid}`, 'the answer of the new owner');
  say('their references', 'still active; they simply ask again');
  await sayAll(others, successor);
  say('from the kill to four new answers', `${took} ms, here and now`);

  scene('The last one out cleans up');
  await successor.do('close');
  say(`process ${successor.pid} closes, and continues to serve`, `${references(3)} left`);
  const members = others.filter((peer) => peer !== successor);
  for (const [index, peer] of members.entries()) {
    await peer.do('close');
    const left = members.length - index - 1;
    say(`process ${peer.pid} closes`, left > 0 ? `${references(left)} left` : 'that was the last one');
    check(await peer.exit(), 0, `the exit code of process ${peer.pid}`);
  }
  check(await successor.exit(), 0, 'the exit code of the last owner');
  check(listing(directory).length, 0, 'what is left in the directory');
  say(`process ${successor.pid} has nothing to serve any more, and ends`);
  sayListing(directory);
}

/**
 * Waits until every process reads the same count, and says which one is the owner: exactly one.
 *
 * @param {readonly Peer[]} peers
 */
async function settled(peers) {
  /** @type {import('./troupe.mjs').Answer[]} */
  let views = [];
  await until(
    async () => {
      views = await Promise.all(peers.map((peer) => peer.do('look')));
      return views.every(({ active, count }) => active && count === peers.length);
    },
    `all of them to read ${references(peers.length)}`,
  );
  const owners = peers.filter((_, index) => views[index]?.role === 'owner');
  check(owners.length, 1, 'the number of owners');
  return /** @type {Peer} */ (owners[0]);
}

/**
 * @param {readonly Peer[]} peers
 * @param {Peer} owner
 */
async function sayAll(peers, owner) {
  for (const peer of peers) {
    const [{ answer }, { role, count }] = [await peer.do('get'), await peer.do('look')];
    check(answer, `hello from pid ${owner.pid}`, 'the answer');
    say(`process ${peer.pid}: ${role?.padEnd(6)} reads ${references(count ?? 0)}`, answer);
  }
}
