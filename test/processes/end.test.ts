import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, expect, it, onTestFinished } from 'vitest';
import { endProcesses, killProcesses, leashOf, livingOf, startOf } from '#src/processes/end.js';
import { bearsMark } from '#src/processes/leash.js';
import { processEntry } from '#src/processes/table.js';
import { serverMark } from '#src/protocol/constants.js';
import { lives, runServer } from '../helpers/server-process.js';
import { until } from '../helpers/until.js';

/** Long enough that no process is killed before it has ended at the signal: a watchdog. */
const longMs = 20_000;
const forever = 'exec sleep 1000';
/** Starts a child when the shell has become {@link forever}, which reaps no children. */
const late = (command: string) => `{ until grep -q sleep /proc/$$/comm; do :; done; exec ${command}; }`;

/** Waits until a process runs a program, and the shell that started it is gone. */
const runs = (pid: number, session: number) =>
  until(`${pid} is in session ${session}`, () => processEntry(pid)?.session === session);

/** Waits until a child of the shell runs its program. Until then it has the shell's traps, and a signal may be lost. */
const sleeps = (pid: number) =>
  until(`${pid} sleeps`, () => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'sleep');

describe('the living processes of a server', () => {
  it('are its group, without ended ones', async () => {
    const { server, line } = await runServer(`${late('true')} & echo $!; sleep 1000 & echo $!; ${forever}`);
    const [ended, living] = [Number(await line()), Number(await line())];
    await until('the first has ended', () => processEntry(ended)?.ended);
    expect(livingOf(server).sort()).toEqual([server.pgid, living].sort());
  });

  it('are those of its session, in any group', async () => {
    const { server, line } = await runServer(`timeout 2000 sleep 1000 3>&- & echo $!; ${forever}`);
    const other = Number(await line());
    await until('it has a group of its own', () => processEntry(other)?.group === other);
    expect(livingOf(server)).toContain(other);
  });

  it('are those in the background that hold its leash', async () => {
    const { server, line, exited } = await runServer('setsid sleep 1000 >/dev/null & echo $!');
    const daemon = Number(await line());
    await exited;
    await runs(daemon, daemon);
    expect(livingOf(server)).toEqual([daemon]);
    expect(livingOf({ ...server, leash: undefined })).toEqual([]);
    expect(livingOf({ ...server, leash: server.leash.replace(/\d+/, '1') })).toEqual([]);
  });

  it('are those that a leader left in its group, as long as it is not reaped', async () => {
    const inner = "setsid sh -c 'echo $$; sleep 1000 3>&- & echo $!'";
    const { line } = await runServer(`${late(inner)} & ${forever}`);
    const [leader, member] = [Number(await line()), Number(await line())];
    const start = startOf(leader);
    await until('the leader has ended', () => processEntry(leader)?.ended);
    expect(livingOf({ pgid: leader, start, leash: undefined })).toEqual([member]);
  });

  it('are those of its group, even without a leader, if one of them has its mark', async () => {
    const { server, line, exited } = await runServer(
      `exec 3>&-; sleep 1000 & echo $!; export ${serverMark}=$$; setsid sleep 1000 & echo $!; sleep 1000 & echo $!`,
    );
    const [other, away, marked] = [Number(await line()), Number(await line()), Number(await line())];
    await exited;
    await runs(away, away);
    // The environment of a program is read as it was at its start.
    await until('it runs', () => bearsMark(marked, server.pgid));
    expect(livingOf(server).sort()).toEqual([other, marked].sort());
    await endProcesses(server, 'SIGTERM', longMs);
    expect([other, away, marked].filter(lives)).toEqual([away]);
  });

  it('are none when another process has the number, or when the start time is unknown', async () => {
    const { server } = await runServer(forever);
    expect(livingOf({ ...server, start: '1', leash: undefined })).toEqual([]);
    expect(livingOf({ ...server, start: undefined, leash: undefined })).toEqual([]);
    expect(livingOf({ ...server, leash: undefined })).toEqual([server.pgid]);
  });

  it('are none after a reboot', async () => {
    const { server } = await runServer(forever);
    expect(livingOf({ ...server, leash: server.leash.replace(/@.*/, '@another') })).toEqual([]);
  });
});

describe('ending a server', () => {
  it('sends the signal, and resolves when all its processes are gone', async () => {
    const { server, line, exited } = await runServer(
      "trap 'echo told; exit 3' TERM; sleep 1000 & echo $!; while :; do wait; done",
    );
    const member = Number(await line());
    await sleeps(member);
    await endProcesses(server, 'SIGTERM', longMs);
    expect(await line()).toBe('told');
    expect(await exited).toEqual({ code: 3, signal: null });
    expect(lives(member)).toBe(false);
    expect(livingOf(server)).toEqual([]);
  });

  it('kills processes that ignore the signal', async () => {
    const { server, line, exited } = await runServer("trap '' TERM; echo set; while :; do sleep 1000; done");
    await line();
    await endProcesses(server, 'SIGTERM', 20);
    expect(await exited).toEqual({ code: null, signal: 'SIGKILL' });
    expect(livingOf(server)).toEqual([]);
  });

  it('ends a stopped process by the signal', async () => {
    const { server, line, exited } = await runServer("trap 'exit 4' TERM; echo set; while :; do kill -STOP $$; done");
    await line();
    await until('it is stopped', () => processEntry(server.pgid)?.stopped);
    await endProcesses(server, 'SIGTERM', longMs);
    expect(await exited).toEqual({ code: 4, signal: null });
  });

  it('ends processes that went into the background', async () => {
    const { server, line, exited } = await runServer('setsid sleep 1000 >/dev/null & echo $!');
    const daemon = Number(await line());
    await exited;
    await endProcesses(server, 'SIGTERM', longMs);
    expect(lives(daemon)).toBe(false);
  });

  it('ends processes whose leader ends first, even if they hold no leash', async () => {
    const { server, line, exited } = await runServer(
      'sh -c \'trap "" TERM; echo $$; while :; do sleep 1000; done\' 3>&- & wait',
    );
    const member = Number(await line());
    await endProcesses(server, 'SIGTERM', 100);
    expect(await exited).toEqual({ code: null, signal: 'SIGTERM' });
    expect(lives(member)).toBe(false);
  });

  it('ends processes whose leader has just ended, if its parent says so', async () => {
    const { child, server, line } = await runServer('exec 3>&-; sleep 1000 & echo $!');
    const member = Number(await line());
    await once(child, 'exit');
    expect(livingOf(server)).toEqual([]);
    await endProcesses(server, 'SIGTERM', longMs, true);
    expect(lives(member)).toBe(false);
  });

  it('ends processes that are started while it ends others', async () => {
    const { server, line } = await runServer(
      "trap 'setsid sleep 1000 & echo $!' TERM; echo set; while :; do wait; done",
    );
    await line();
    await endProcesses(server, 'SIGTERM', 50);
    expect(lives(Number(await line()))).toBe(false);
  });

  it('leaves other processes alone that have the number of its group or of its process', async () => {
    const { server: unrelated } = await runServer(forever);
    const other = { ...unrelated, start: String(Number(unrelated.start) - 1), leash: undefined };
    await endProcesses(other, 'SIGKILL', 0);
    killProcesses(other);
    // As if its leader had ended: no process in the group can prove whose it is.
    const { line, exited } = await runServer('sleep 1000 3>&- & echo $$ $!');
    const [group, member] = (await line()).split(' ').map(Number) as [number, number];
    onTestFinished(() => void process.kill(member, 'SIGKILL'));
    await exited;
    await endProcesses({ pgid: group, start: startOf(member), leash: undefined }, 'SIGKILL', 0);
    expect(livingOf(unrelated)).toEqual([unrelated.pgid]);
    expect(lives(member)).toBe(true);
  });

  it('never signals its own process, and never all processes', async () => {
    const own = processEntry(process.pid);
    const group = Number(own?.group);
    expect(livingOf({ pgid: group, start: startOf(group), leash: undefined })).not.toContain(process.pid);
    for (const pgid of [0, 1, -1]) {
      expect(livingOf({ pgid, start: startOf(1), leash: undefined })).toEqual([]);
      await endProcesses({ pgid, start: startOf(1), leash: undefined }, 'SIGKILL', 0);
      killProcesses({ pgid, start: startOf(1), leash: undefined });
    }
  });

  it('does nothing when it has ended already', async () => {
    const { server, exited } = await runServer('exit 0');
    await exited;
    await endProcesses(server, 'SIGTERM', longMs);
    killProcesses(server);
  });
});

describe('killing a server without waiting', () => {
  it('kills its group and its background', async () => {
    const { server, line, exited } = await runServer(
      "trap '' TERM; setsid sleep 1000 >/dev/null & echo $!; sleep 1000 & echo $!; while :; do wait; done",
    );
    const [daemon, member] = [Number(await line()), Number(await line())];
    await runs(daemon, daemon);
    killProcesses(server);
    expect(await exited).toEqual({ code: null, signal: 'SIGKILL' });
    await until('none of them lives', () => !lives(daemon) && !lives(member));
  });
});

describe('a leash', () => {
  it('names the socket in the same way for all that inherited it', async () => {
    const { server, line } = await runServer(`sleep 1000 & echo $!; ${forever}`);
    expect(server.leash).toMatch(/^socket:\[\d+\]@[\da-f-]{36}$/);
    expect(leashOf(Number(await line()), 3)).toBe(server.leash);
  });

  it('is undefined for a file, and for a closed descriptor', async () => {
    const { server } = await runServer(forever);
    expect(leashOf(server.pgid, 99)).toBeUndefined();
    const file = spawn('sleep', ['1000'], { stdio: ['ignore', 'ignore', 'ignore'] });
    onTestFinished(() => void file.kill('SIGKILL'));
    await once(file, 'spawn');
    expect(leashOf(file.pid as number, 0)).toBeUndefined();
    file.kill('SIGKILL');
    await once(file, 'exit');
    expect(leashOf(file.pid as number, 0)).toBeUndefined();
    expect(startOf(file.pid as number)).toBeUndefined();
  });
});
