import { Socket } from 'node:net';

/** The part of the handle below a socket of Node that is used here. */
interface Handle {
  onread: () => void;
  open(fd: number): number;
  readStart(): number;
  readStop(): number;
}

/**
 * Sees whether a client waits at a listening socket, and accepts none. Reading from such a socket fails as soon as a
 * client waits. The event loop waits for that as for any data, at no cost. The descriptor stays its holder's: closing
 * the handle would close it, so the handle is never closed. The holder stops the wait before it closes the descriptor.
 */
export class ClientWatch {
  readonly #handle: Handle;
  readonly #fd: number;

  private constructor(handle: Handle, fd: number) {
    this.#handle = handle;
    this.#fd = fd;
  }

  /** Undefined where Node's handles have another shape, as in another runtime. */
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
      // After an error a handle must be opened again.
      const failed = handle.open(this.#fd) || handle.readStart();
      if (failed) reject(new Error(`the listening socket cannot be polled: error ${failed} of libuv`));
    });
  }
}

/** Resolves when the event loop has polled all descriptors once more. In the running turn it may have done so already. */
export async function afterPoll(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve));
}
