import type { Timer } from '../clock.js';
import { type Deferred, deferred } from '../deferred.js';

/**
 * The phase of an owner. A phase undoes what it began when the owner leaves it, for any next phase. The owner leaves a
 * phase only through {@link PhaseBase.leave}.
 */
export type Phase = Starting | Serving | Lingering | Stopping | Deposed;

interface PhaseBase {
  leave(next: Phase): void;
}

interface Starting extends PhaseBase {
  readonly kind: 'starting';
}

interface Serving extends PhaseBase {
  readonly kind: 'serving';
}

interface Lingering extends PhaseBase {
  readonly kind: 'lingering';
  /** Resolves when it is known whether the endpoint ends; undefined if a release does not wait for that. */
  readonly settling: Promise<void> | undefined;
}

interface Stopping extends PhaseBase {
  readonly kind: 'stopping';
  readonly done: Promise<void>;
}

interface Deposed extends PhaseBase {
  readonly kind: 'deposed';
}

const nothing = (): void => {};

/** It has references, or may still get some. */
export const serving: Phase = { kind: 'serving', leave: nothing };

/** Another process is the owner. */
export const deposed: Phase = { kind: 'deposed', leave: nothing };

/** @param left - called when the owner is up, or ends before */
export function starting(left: () => void): Phase {
  return { kind: 'starting', leave: left };
}

/** @param settles - whether the last release waits until it is known if that was the end */
export function lingering(timer: Timer, settles: boolean): Phase {
  const settling: Deferred<void> | undefined = settles ? deferred() : undefined;
  // The waiting callers get the failure, and the end itself reports it.
  settling?.promise.catch(nothing);
  return {
    kind: 'lingering',
    settling: settling?.promise,
    leave(next) {
      timer.cancel();
      if (!settling) return;
      if (next.kind === 'stopping') next.done.then(settling.resolve, settling.reject);
      else settling.resolve();
    },
  };
}

/** New members are not welcomed any more. */
export function stopping(done: Promise<void>): Phase {
  return { kind: 'stopping', done, leave: nothing };
}
