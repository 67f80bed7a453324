// @ts-check
import { SocketManager } from 'sockref';

/** The least that counted handles with a safety net for dropped ones can cost. */
class Handle {
  static #dropped = new FinalizationRegistry(() => {});
  #entry;
  /** @param {{ count: number }} entry */
  constructor(entry) {
    this.#entry = entry;
    entry.count++;
    Handle.#dropped.register(this, entry, this);
  }
  close() {
    Handle.#dropped.unregister(this);
    this.#entry.count--;
  }
}

const batch = 1000;

/**
 * References to a socket that is active in this process.
 *
 * @param {string} directory
 */
export async function active(directory) {
  const path = `${directory}/active.sock`;
  const manager = new SocketManager();
  const reference = await manager.acquire(path, { serve: (socket) => void socket.end() });
  const map = new Map([[path, { count: 1 }]]);
  const get = () => new Handle(/** @type {{ count: number }} */ (map.get(path)));
  return {
    title: 'A reference to a socket that is active in this process',
    words:
      'Taken and closed again, with no system call. The floor is a `Map` look-up, a counter and an entry in a ' +
      '`FinalizationRegistry`; that of the last row has two promises more.',
    groups: [
      {
        note: '',
        floor: { name: 'floor', batch, run: () => repeat(() => get().close()) },
        ours: [
          { name: '`clone` + `close`', batch, run: () => repeat(() => void reference.clone().close()) },
          { name: '`getExisting` + `close`', batch, run: () => repeat(() => void manager.getExisting(path)?.close()) },
        ],
      },
      {
        note: '',
        floor: {
          name: 'floor with two promises',
          batch,
          run: () => repeatAsync(async () => (await Promise.resolve(get())).close()),
        },
        ours: [
          {
            name: '`await acquire` + `await close`',
            batch,
            run: () => repeatAsync(async () => (await manager.acquire(path)).close()),
          },
        ],
      },
    ],
    end: () => reference.close(),
  };
}

/** @param {() => void} call */
function repeat(call) {
  for (let i = 0; i < batch; i++) call();
}

/** @param {() => Promise<void>} call */
async function repeatAsync(call) {
  for (let i = 0; i < batch; i++) await call();
}
