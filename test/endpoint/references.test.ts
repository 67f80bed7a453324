import { describe, expect, it } from 'vitest';
import type { Endpoint } from '#src/endpoint/endpoint.js';
import { ReferenceState } from '#src/endpoint/reference-state.js';
import { References } from '#src/endpoint/references.js';
import { SocketReferenceError } from '#src/errors/error.js';
import type { Lease } from '#src/ownership/lease.js';

const path = '/tmp/a.sock';

function scene() {
  const references = new References();
  const endpoint = { live: true, watch: (each: ReferenceState) => references.watch(each) };
  const add = () => {
    references.add();
    return new ReferenceState(endpoint as unknown as Endpoint, undefined);
  };
  return { references, endpoint, add };
}

function lease(role: Lease['role']) {
  const told: boolean[] = [];
  return { told, lease: { role, keepAlive: (alive: boolean) => void told.push(alive) } as unknown as Lease };
}

describe('references', () => {
  it('tell each lease at its start, and later at each change, whether they keep the process alive', () => {
    const { references, add } = scene();
    const reference = add();
    const [owner, member] = [lease('owner'), lease('member')];
    references.tellKeepAlive(owner.lease);
    references.tellKeepAlive(owner.lease);
    references.keep(reference, 'no');
    references.tellKeepAlive(owner.lease);
    expect(owner.told).toEqual([true, false]);
    references.tellKeepAlive(member.lease);
    references.keep(reference, 'yes');
    references.tellKeepAlive(member.lease);
    expect(member.told).toEqual([false, true]);
  });

  it('end with their reason, after the current tick', async () => {
    const { references, endpoint, add } = scene();
    const [watched, removed] = [add(), add()];
    const [signal, other] = [watched.signal(), removed.signal()];
    references.remove(removed);
    const reason = new SocketReferenceError('ERR_SOCKREF_OWNER_LOST', 'lost', { path });
    references.end(reason);
    endpoint.live = false;
    expect(signal.aborted).toBe(false);
    await Promise.resolve();
    expect(signal.reason).toBe(reason);
    expect(other.aborted).toBe(false);
    expect(references.closedError(path, true)).toBe(reason);
    expect(references.closedError(path, false)).toMatchObject({ code: 'ERR_SOCKREF_CLOSED', reason: 'closed' });
  });
});
