import { endAs } from './command.js';

/** The signals that ask a process to end. */
const endings = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Does work that these signals abort. What the work had begun is then ended by `cleanUp`, before this process ends by the
 * signal: if it died at once, a lock file or a starting server could be left. A second signal ends it at once.
 */
export async function interruptible<T>(
  work: (signal: AbortSignal) => Promise<T>,
  cleanUp: () => Promise<unknown>,
): Promise<T> {
  const abort = new AbortController();
  let received: NodeJS.Signals | undefined;
  const interrupt = (signal: NodeJS.Signals): void => {
    received = signal;
    release();
    abort.abort();
  };
  const release = (): void => {
    for (const each of endings) process.off(each, interrupt);
  };
  for (const each of endings) process.on(each, interrupt);
  try {
    return await work(abort.signal);
  } finally {
    release();
    if (received !== undefined) {
      // What it cannot remove is reported as a fault, and the next acquire removes it.
      await cleanUp().catch(() => {});
      await endAs({ kind: 'killed', signal: received });
      process.exit();
    }
  }
}
