import { type Channel, channel } from 'node:diagnostics_channel';
import { EventEmitter } from 'node:events';
import { isSocketReferenceError, messageOf } from '../errors/error.js';
import { printable } from '../printable.js';
import { maxFaultWarnings } from '../protocol/constants.js';

/** Something that happened to a socket. `references` is the count after the event. */
export interface SocketEvent {
  readonly path: string;
  readonly references: number;
  readonly role: 'owner' | 'member';
}

/** A socket whose references were lost. */
export interface LostEvent extends SocketEvent {
  readonly reason: Error;
}

/** Files of a socket that were missing or changed, and were restored. */
export interface HealedEvent {
  readonly path: string;
  /** The names of the files, without their directory. */
  readonly files: readonly string[];
}

/** Files that a dead owner had left. */
export interface ReclaimedEvent extends HealedEvent {
  /** The process id of the dead owner, if its record names it. */
  readonly pid: number | undefined;
}

/** A reference that was garbage-collected before `close()` was called. It was released. */
export interface LeakEvent extends SocketEvent {
  /** The stack of the acquire, if the manager's `traceLeaks` is on. */
  readonly trace: string | undefined;
}

/** A failure for which no call was waiting. It harmed only that connection or that socket. */
export interface FaultEvent {
  readonly path: string;
  readonly error: unknown;
}

/** The events of a manager, with their arguments. */
export interface ManagerEvents {
  /** This process serves the socket now. */
  started: [SocketEvent];
  /** This process served the socket, and no longer does. */
  stopped: [SocketEvent];
  /** A reference was given out. */
  acquired: [SocketEvent];
  /** A reference was released. */
  released: [SocketEvent];
  /** The owner was lost. The references continue with another owner, or with this process as the owner. */
  failover: [SocketEvent];
  /** The references were lost. */
  lost: [LostEvent];
  /** Files were missing or changed, and are restored. */
  healed: [HealedEvent];
  /** Files of a dead owner were removed. */
  reclaimed: [ReclaimedEvent];
  /** A reference was dropped without `close()`. */
  leak: [LeakEvent];
  /** A handler threw, a repair failed, or a peer misbehaved. Without a listener it becomes a process warning. */
  fault: [FaultEvent];
}

type EventName = keyof ManagerEvents;

/** A literal, because an object that is built at run time is slower to read, and each reference reads it. */
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
 * Tells events to listeners and to the diagnostics channels `sockref:<event>`. An error that a listener throws is
 * reported as uncaught, as everywhere in Node, but in the next tick and not in the middle of the counting (I8).
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

  /** Whether an event has a listener. Without one the event need not be built. */
  protected heard(name: EventName): boolean {
    // Counting listeners is as slow as counting a reference, and most managers never have a listener.
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
    if (this.#warned.has(key) || this.#warned.size >= maxFaultWarnings) return;
    this.#warned.add(key);
    const message = `${printable(path)}: ${printable(messageOf(error))}`;
    process.emitWarning(`${message} (further ones of this kind are not shown)`, {
      type: 'SockrefWarning',
      code,
    });
  }
}
