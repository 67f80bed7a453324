import type { Timer } from '../clock.js';
import { type Deferred, deferred } from '../deferred.js';

/**
 * Where an owner stands. Each phase undoes what it has begun when it is left, whichever comes next: no phase is left in another
 * way than by {@link PhaseBase.leave}.
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
  /** When it is known whether the endpoint ends; undefined where a release does not wait for that. */
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

/** It has references, or may get some. */
export const serving: Phase = { kind: 'serving', leave: nothing };

/** Another process is the owner. */
export const deposed: Phase = { kind: 'deposed', leave: nothing };

/** @param left - called when it is up, or ends before */
export function starting(left: () => void): Phase {
  return { kind: 'starting', leave: left };
}

/** @param settles - whether those who release the last reference wait until it is known whether that was the end */
export function lingering(timer: Timer, settles: boolean): Phase {
  const settling: Deferred<void> | undefined = settles ? deferred() : undefined;
  // Told to those who wait for it; and the end itself tells of its failure.
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

/** Nobody is welcomed any more. */
export function stopping(done: Promise<void>): Phase {
  return { kind: 'stopping', done, leave: nothing };
}
