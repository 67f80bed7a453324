import { type NoReferenceDescriptor, openReferenceDescriptor, type ReferenceDescriptor } from '../../api/descriptor.js';
import type { SocketReference } from '../../api/reference.js';
import { printable } from '../../printable.js';
import { tell } from '../output.js';

/** In so many milliseconds we learn of the command's end, if that closed the descriptor. */
const endOfCommandMs = 1_000;

/** The descriptor that a command inherits. If we are killed, it keeps the reference for as long as the command runs. */
export interface CommandDescriptor {
  /** Undefined if there is none. */
  readonly fd: number | undefined;
  /** Called when the command has its own copy. */
  given(): void;
  /** Called when the command has ended. */
  over(): void;
}

/** Opens the descriptor for a command. If there is none, or it ends while the command runs, stderr says so. */
export async function openForCommand(reference: SocketReference, name: string): Promise<CommandDescriptor> {
  const found = await openReferenceDescriptor(reference);
  if (found.kind === 'none') {
    tellNoDescriptor(name, reasons[found.because]);
    return { fd: undefined, given: () => {}, over: () => {} };
  }
  return watched(found, reference, name);
}

function watched(
  { fd, ended, close }: ReferenceDescriptor,
  { signal }: SocketReference,
  name: string,
): CommandDescriptor {
  let timer: NodeJS.Timeout | undefined;
  let over = false;
  void ended.then((how) => {
    // If the reference itself ended, that is reported elsewhere.
    if (over || signal.aborted) return;
    // The end of the command closes the descriptor, too; we learn of that a moment later.
    timer = setTimeout(() => tellNoDescriptor(name, reasons[how]), endOfCommandMs).unref();
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

const reasons: Record<NoReferenceDescriptor['because'] | 'closed', string> = {
  'older-owner': 'its owner is of an older version of sockref',
  'owner-lost': 'its owner was lost',
  closed: 'the command has closed the descriptor for it',
};

function tellNoDescriptor(name: string, why: string): void {
  tell(
    `the command has no reference of its own to ${printable(name)}: ${why}; if this process is killed, the reference ends`,
  );
}
