import { describe, expect, it } from 'vitest';
import type { Endpoint } from '#src/endpoint/endpoint.js';
import { ReferenceState } from '#src/endpoint/reference-state.js';

/** A reference of an endpoint that only records the references with a listener. */
function scene() {
  const watched: ReferenceState[] = [];
  const endpoint = {
    live: true,
    watch: (reference: ReferenceState) => void watched.push(reference),
    closedError: (open: boolean) => new Error(open ? 'ended' : 'closed'),
  };
  return { reference: new ReferenceState(endpoint as unknown as Endpoint, undefined), endpoint, watched };
}

const never = (): Error => {
  throw new Error('there is no listener to call');
};

describe('a reference', () => {
  it('counts as long as it is open and its endpoint lives', () => {
    const { reference, endpoint } = scene();
    expect(reference.active).toBe(true);
    endpoint.live = false;
    expect(reference.active).toBe(false);
    endpoint.live = true;
    reference.open = false;
    expect(reference.active).toBe(false);
  });

  it('gives one signal, and is registered for it once', () => {
    const { reference, watched } = scene();
    const signal = reference.signal();
    expect(reference.signal()).toBe(signal);
    expect(watched).toEqual([reference]);
    reference.abort(() => new Error('why'));
    expect(signal.reason).toMatchObject({ message: 'why' });
    expect(reference.signal()).toBe(signal);
  });

  it('gives a signal that is aborted from the start if it is inactive, with the reason', () => {
    const { reference, endpoint, watched } = scene();
    endpoint.live = false;
    expect(reference.signal().reason).toMatchObject({ message: 'ended' });
    const other = scene();
    other.reference.open = false;
    expect(other.reference.signal().reason).toMatchObject({ message: 'closed' });
    expect([...watched, ...other.watched]).toEqual([]);
  });

  it('makes no error if no signal was handed out', () => {
    const { reference } = scene();
    reference.abort(never);
  });
});
