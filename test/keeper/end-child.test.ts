import { expect, it } from 'vitest';
import { endChild } from '#src/keeper/end-child.js';
import { FakeClock } from '../helpers/fake-clock.js';
import { lives, runServer } from '../helpers/server-process.js';
import { until } from '../helpers/until.js';

it('ends a child and its group by the signal', async () => {
  const { server, line, exited } = await runServer('sleep 1000 & echo $!; wait');
  const member = Number(await line());
  const clock = new FakeClock();
  await endChild({ pid: server.pgid, exited }, 'SIGTERM', 1_000, clock);
  expect(await exited).toEqual({ code: null, signal: 'SIGTERM' });
  await until('the member has ended', () => !lives(member));
  expect(clock.timers).toBe(0);
});

it('kills them when their time is over', async () => {
  const { server, line, exited } = await runServer("trap '' TERM; echo set; while :; do sleep 1000; done");
  await line();
  const clock = new FakeClock();
  const ended = endChild({ pid: server.pgid, exited }, 'SIGTERM', 1_000, clock);
  clock.pass(999);
  expect(lives(server.pgid)).toBe(true);
  clock.pass(1);
  await ended;
  expect(await exited).toEqual({ code: null, signal: 'SIGKILL' });
});

it('does nothing if it has ended before', async () => {
  const { server, exited } = await runServer('exit 0');
  await until('it has ended', () => !lives(server.pgid));
  const clock = new FakeClock();
  await endChild({ pid: server.pgid, exited }, 'SIGTERM', 1_000, clock);
  await endChild({ pid: server.pgid, exited }, 'SIGTERM', 1_000, clock);
  expect(clock.timers).toBe(0);
});
