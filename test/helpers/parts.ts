import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Context } from '#src/context.js';
import type { LeaseEvents } from '#src/ownership/lease.js';
import type { OwnerSettings } from '#src/ownership/settings.js';
import { FakeClock } from './fake-clock.js';

/** Settings of an owner. Each test gives those that matter for it. */
export function ownerSettings(changes: Partial<OwnerSettings> = {}): OwnerSettings {
  return {
    mode: 0o600,
    lingerMs: 0,
    drainTimeoutMs: 1_000,
    failoverTimeoutMs: 10_000,
    healIntervalMs: 5_000,
    reclaim: 'recorded',
    label: undefined,
    maxReferences: 10,
    maxMembers: 10,
    maxConnections: 10,
    ...changes,
  };
}

/** A context that records its calls, with a clock that stands still; and the events of a lease. */
export class Notes implements Context {
  readonly clock = new FakeClock();
  readonly told: string[] = [];
  readonly faults: unknown[] = [];
  readonly reasons: Error[] = [];
  /** The reason that the lease gave for its end. */
  done: Promise<void> | undefined;

  reclaimed(_path: string, _pid: number | undefined, names: readonly string[]): void {
    this.told.push(`reclaimed ${names.join(' ')}`);
  }

  healed(_path: string, names: readonly string[]): void {
    this.told.push(`healed ${names.join(' ')}`);
  }

  fault(_path: string, error: unknown): void {
    this.faults.push(error);
  }

  async cleanUp(work: () => void | Promise<void>): Promise<void> {
    return work();
  }

  readonly events: LeaseEvents = {
    stopping: (done) => {
      this.told.push('stopping');
      this.done = done;
    },
    lost: (cause) => void this.told.push(`lost ${cause}`),
    ended: (reason) => {
      this.told.push('ended');
      this.reasons.push(reason);
    },
  };
}

/** Both ends of a connection; nothing stays in the directory. */
export async function socketPair(directory: string): Promise<[Socket, Socket]> {
  const path = join(directory, 'pair');
  const server = createServer().listen(path);
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const client = connect(path);
  await once(client, 'connect');
  const [served] = await accepted;
  server.close();
  return [client, served];
}

/** How many resources of a kind keep this process alive now, such as `PipeWrap` or `Timeout`. */
export function keeping(kind: string): number {
  return process.getActiveResourcesInfo().filter((each) => each === kind).length;
}
