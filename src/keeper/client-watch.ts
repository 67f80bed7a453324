import { Socket } from 'node:net';

/** What is used of the handle below a socket of Node. */
interface Handle {
  onread: () => void;
  open(fd: number): number;
  readStart(): number;
  readStop(): number;
}

/**
 * Sees whether a client waits at a listening socket, and accepts none. Reading from such a socket is an error, which comes when
 * there is something to be accepted: the loop waits for it as for any data, and that costs nothing meanwhile.
 *
 * The descriptor stays its holder's. So the handle is never closed, which would close the descriptor, too: the holder stops
 * the wait before it closes it.
 */
export class ClientWatch {
  readonly #handle: Handle;
  readonly #fd: number;

  private constructor(handle: Handle, fd: number) {
    this.#handle = handle;
    this.#fd = fd;
  }

  /** Undefined where Node's handles are not as we know them, as in another runtime. */
  static of(fd: number): ClientWatch | undefined {
    const socket = new Socket({ fd, writable: false, manualStart: true } as ConstructorParameters<typeof Socket>[0]);
    socket.unref();
    const handle = (socket as unknown as { _handle?: Partial<Handle> })._handle;
    if (typeof handle?.readStart !== 'function' || typeof handle.readStop !== 'function') return undefined;
    return new ClientWatch(handle as Handle, fd);
  }

  /** Resolves when a client waits; never, once the signal has aborted. One wait at a time. */
  async untilClient(signal: AbortSignal): Promise<void> {
    const handle = this.#handle;
    await new Promise<void>((resolve, reject) => {
      signal.addEventListener('abort', () => handle.readStop(), { once: true });
      handle.onread = () => {
        handle.readStop();
        resolve();
      };
      // After an error a handle is good for nothing, until it is opened anew.
      const failed = handle.open(this.#fd) || handle.readStart();
      if (failed) reject(new Error(`the listening socket cannot be polled: error ${failed} of libuv`));
    });
  }
}
