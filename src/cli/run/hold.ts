import { type HoldDescriptor, holdDescriptor, type NoHoldDescriptor } from '../../api/descriptor.js';
import type { SocketReference } from '../../api/reference.js';
import { printable } from '../../printable.js';
import { tell } from '../output.js';

/** Milliseconds in which we hear of a command's end, if that has closed the descriptor. */
const endOfCommandMs = 1_000;

/** What a command inherits, so that the reference lives on as long as it does if we are killed. */
export interface Hold {
  /** Undefined if there is none. */
  readonly fd: number | undefined;
  /** The command has its own copy. */
  given(): void;
  /** The command has ended. */
  over(): void;
}

/** Opens a hold for a command. That there is none, or none any more while the command runs, is told on stderr. */
export async function holdFor(reference: SocketReference, name: string): Promise<Hold> {
  const found = await holdDescriptor(reference);
  if (found.kind === 'none') {
    tellNoHold(name, reasons[found.because]);
    return { fd: undefined, given: () => {}, over: () => {} };
  }
  return watched(found, reference, name);
}

function watched({ fd, ended, close }: HoldDescriptor, { signal }: SocketReference, name: string): Hold {
  let timer: NodeJS.Timeout | undefined;
  let over = false;
  void ended.then((how) => {
    // Of a reference that has ended it is told what became of that.
    if (over || signal.aborted) return;
    // Its end closes the descriptor, too, and we hear of that a moment later.
    timer = setTimeout(() => tellNoHold(name, reasons[how]), endOfCommandMs).unref();
  });
  return {
    fd,
    given: close,
    over: () => {
      over = true;
      clearTimeout(timer);
    },
  };
}

const reasons: Record<NoHoldDescriptor['because'] | 'closed', string> = {
  'older-owner': 'its owner is of an older version of sockref',
  'owner-lost': 'its owner was lost',
  closed: 'the command has closed the descriptor that was to do so',
};

function tellNoHold(name: string, why: string): void {
  tell(
    `the command does not hold ${printable(name)} on by itself: ${why}; if this process is killed, the reference ends`,
  );
}
