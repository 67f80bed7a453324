import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Endpoint } from '#src/endpoint/endpoint.js';
import { Slot } from '#src/endpoint/slot.js';

/** A slot of an endpoint that only notes who is to be told. */
function scene() {
  const watched: Slot[] = [];
  const endpoint = {
    live: true,
    watch: (slot: Slot) => void watched.push(slot),
    closedError: (open: boolean) => new Error(open ? 'ended' : 'closed'),
  };
  return { slot: new Slot(endpoint as unknown as Endpoint, undefined), endpoint, watched };
}

const never = (): Error => {
  throw new Error('nobody is to be told');
};

describe('a slot', () => {
  it('counts as long as it is open and its endpoint lives', () => {
    const { slot, endpoint } = scene();
    expect(slot.active).toBe(true);
    endpoint.live = false;
    expect(slot.active).toBe(false);
    endpoint.live = true;
    slot.open = false;
    expect(slot.active).toBe(false);
  });

  it('gives one signal, and is watched for it once', () => {
    const { slot, watched } = scene();
    const signal = slot.signal();
    expect(slot.signal()).toBe(signal);
    expect(watched).toEqual([slot]);
    slot.abort(() => new Error('why'));
    expect(signal.reason).toMatchObject({ message: 'why' });
    expect(slot.signal()).toBe(signal);
  });

  it('gives a signal that is aborted from the start when that is too late, and says why', () => {
    const { slot, endpoint, watched } = scene();
    endpoint.live = false;
    expect(slot.signal().reason).toMatchObject({ message: 'ended' });
    const other = scene();
    other.slot.open = false;
    expect(other.slot.signal().reason).toMatchObject({ message: 'closed' });
    expect([...watched, ...other.watched]).toEqual([]);
  });

  it('makes no error for a signal that nobody has', () => {
    const { slot } = scene();
    slot.abort(never);
  });

  it('forgets a signal that nobody keeps, and gives another one', async () => {
    const { slot, watched } = scene();
    const known = new WeakRef(slot.signal());
    await collected(known);
    slot.abort(never);
    const signal = slot.signal();
    expect(watched).toHaveLength(2);
    slot.abort(() => new Error('why'));
    expect(signal.aborted).toBe(true);
  });
});

/** Collects until something is gone. */
async function collected(ref: WeakRef<object>): Promise<void> {
  while (ref.deref()) {
    // What was looked at in a turn is kept until its end.
    await turn();
    globalThis.gc?.();
  }
}
