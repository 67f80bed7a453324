import { type Channel, channel } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import { isSocketReferenceError, messageOf } from '../errors/error.js';
import { printable } from '../printable.js';

/** What happened to a socket; `references` is the count after it. */
export interface SocketEvent {
  readonly path: string;
  readonly references: number;
  readonly role: 'owner' | 'member';
}

/** A socket whose references were lost. */
export interface LostEvent extends SocketEvent {
  readonly reason: Error;
}

/** Files of a socket that were missing and were published again. */
export interface HealedEvent {
  readonly path: string;
  /** The names of the files, without their directory. */
  readonly files: readonly string[];
}

/** Files that a dead owner had left. */
export interface ReclaimedEvent extends HealedEvent {
  /** The dead owner, if its record says. */
  readonly pid: number | undefined;
}

/** A reference that was collected without having been closed. It was released. */
export interface LeakEvent extends SocketEvent {
  /** Where it was acquired, if the manager's `traceLeaks` is on. */
  readonly trace: string | undefined;
}

/** Something that failed while no call was waiting for it; it harmed that connection or that socket alone. */
export interface FaultEvent {
  readonly path: string;
  readonly error: unknown;
}

/** The events of a manager, with their arguments. */
export interface ManagerEvents {
  /** The socket is served by this process now. */
  started: [SocketEvent];
  /** The socket was served by this process, and is not any more. */
  stopped: [SocketEvent];
  /** A reference was given out. */
  acquired: [SocketEvent];
  /** A reference was released. */
  released: [SocketEvent];
  /** The owner was lost, and the references go on with another one, or with this process as the owner. */
  failover: [SocketEvent];
  /** The references were lost. */
  lost: [LostEvent];
  /** Files were missing and are there again. */
  healed: [HealedEvent];
  /** Files of a dead owner were removed. */
  reclaimed: [ReclaimedEvent];
  /** A reference was dropped without `close()`. */
  leak: [LeakEvent];
  /** A handler threw, a repair failed, a peer misbehaved. Without a listener it becomes a process warning. */
  fault: [FaultEvent];
}

type EventName = keyof ManagerEvents;

/** Kinds of faults that are remembered as warned of: enough to see what is wrong, too few to flood anything. */
const maxWarnings = 100;

/** Written out: an object that is put together at run time is slower to read, and each reference reads it. */
const channels: Readonly<Record<EventName, Channel>> = {
  started: channel('sockref:started'),
  stopped: channel('sockref:stopped'),
  acquired: channel('sockref:acquired'),
  released: channel('sockref:released'),
  failover: channel('sockref:failover'),
  lost: channel('sockref:lost'),
  healed: channel('sockref:healed'),
  reclaimed: channel('sockref:reclaimed'),
  leak: channel('sockref:leak'),
  fault: channel('sockref:fault'),
};

/**
 * Tells listeners, and the diagnostics channels `sockref:<event>`, what happens. A listener that throws is reported as
 * uncaught, as anywhere in Node, but not in the middle of the counting (I8).
 */
export class ManagerEmitter extends EventEmitter<ManagerEvents> {
  readonly #warned = new Set<string>();
  #everHeard = false;

  constructor() {
    super();
    EventEmitter.prototype.once.call(this, 'newListener', () => {
      this.#everHeard = true;
    });
  }

  /** Whether anybody wants to know: what nobody hears need not be put together. */
  protected heard(name: EventName): boolean {
    // To count listeners costs as much as to count a reference, and most managers never have one.
    return channels[name].hasSubscribers || (this.#everHeard && this.listenerCount(name) > 0);
  }

  protected tell<Name extends EventName>(name: Name, event: ManagerEvents[Name][0]): void {
    channels[name].publish(event);
    if (name === 'fault' && this.listenerCount('fault') === 0) this.#warn(event as FaultEvent);
    for (const listener of this.rawListeners(name)) {
      try {
        Reflect.apply(listener, this, [event]);
      } catch (error) {
        process.nextTick(() => {
          throw error;
        });
      }
    }
  }

  #warn({ path, error }: FaultEvent): void {
    const code = isSocketReferenceError(error) ? error.code : 'SOCKREF_FAULT';
    const key = `${code} ${path}`;
    if (this.#warned.has(key) || this.#warned.size >= maxWarnings) return;
    this.#warned.add(key);
    const message = `${printable(path)}: ${printable(messageOf(error))}`;
    process.emitWarning(`${message} (further ones of this kind are not shown)`, {
      type: 'SockrefWarning',
      code,
    });
  }
}
