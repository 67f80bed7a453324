import { beforeEach, describe, expect, it } from 'vitest';
import { Rounds } from '#src/ownership/rounds.js';
import { FakeClock } from '../helpers/fake-clock.js';

/** Members by their numbers, and the counts that each was told, in order. */
const clock = new FakeClock();
let members: Set<number>;
let told: number[];
let rounds: Rounds<number>;

beforeEach(() => {
  members = new Set(Array.from({ length: 50 }, (_, number) => number));
  told = [];
  rounds = new Rounds({ clock, members, tell: (member) => void told.push(member) });
  // Separate from the round of the test before.
  clock.pass(1000);
});

describe('a round of counts', () => {
  it('reaches all members by timers alone, 20 in one turn', () => {
    rounds.announce();
    clock.pass(0);
    expect(told).toHaveLength(20);
    clock.pass(1);
    expect(told).toHaveLength(40);
    clock.pass(1);
    expect(told).toEqual([...members]);
    expect(clock.timers).toBe(0);
  });

  it('that begins before the last one has reached all members continues from there', () => {
    rounds.announce();
    clock.pass(0);
    rounds.announce();
    // 50 members: the next round may begin after 2.5 ms, and the first is over after 2.
    clock.pass(0.5);
    for (let number = 50; number < 100; number++) members.add(number);
    clock.pass(2);
    expect(told).toHaveLength(70);
    expect(told.slice(50)).toEqual([...members].slice(0, 20));
    clock.pass(4);
    expect(told.slice(50)).toEqual([...members]);
    expect(clock.timers).toBe(0);
  });

  it('skips a member that has left meanwhile', () => {
    rounds.announce();
    clock.pass(0);
    members.delete(45);
    clock.pass(2);
    expect(told).toHaveLength(49);
    expect(told).not.toContain(45);
  });

  it.each([
    ['that is to begin', () => {}, 0],
    ['in the middle', () => clock.pass(0), 20],
  ])('%s is told to the rest at the end', (_, go, before) => {
    rounds.announce();
    go();
    expect(told).toHaveLength(before);
    rounds.finish();
    expect(told).toEqual([...members]);
    expect(clock.timers).toBe(0);
    rounds.finish();
    expect(told).toHaveLength(50);
  });

  it.each([
    ['that is to begin', () => {}],
    ['in the middle', () => clock.pass(0)],
  ])('%s can be called off, and no timer is left', (_, go) => {
    rounds.announce();
    go();
    const before = told.length;
    rounds.cancel();
    expect(clock.timers).toBe(0);
    clock.pass(100);
    expect(told).toHaveLength(before);
  });
});
