import type { ServerState } from '../control/messages.js';
import { shellCommand } from '../shell-words.js';
import type { ServerOutput } from './output.js';

/** Characters of a command that listings show. */
const maxShown = 1_000;
/** Characters of the reason why there is no log: a path and some words. */
const maxShownReason = 400;
/** Bytes that the words of a command may have in a listing: room for them was set aside there. */
const maxWordsBytes = 3_000;

/** What is known of a server that runs a command. */
export interface DescribedServer {
  readonly command: readonly string[];
  readonly output: ServerOutput;
  /** Its process, while it has one. */
  readonly pid: number | undefined;
  /** Why clients cannot connect although it runs. */
  readonly problem: string | undefined;
  /** Whether it ended because it had nothing to do, and is started by the next client. */
  readonly waiting: boolean;
  /** Whether clients can connect, or be queued for the next start. */
  readonly up: boolean;
  /** Whether it was up before. */
  readonly again: boolean;
  readonly restarts: number;
}

/** What a listing says of a server. Its length is bounded, so that it fits into one message (I7). */
export function describeServer(server: DescribedServer): ServerState {
  const { command, output, pid, problem, waiting, up, again, restarts } = server;
  const { noLog, place } = output;
  const whole = Buffer.byteLength(JSON.stringify(command)) <= maxWordsBytes;
  return {
    ...(pid !== undefined && { pid }),
    ...(problem !== undefined && { problem }),
    command: shellCommand(command).slice(0, maxShown),
    ...(whole && { argv: [...command] }),
    state: up ? 'running' : again ? 'restarting' : 'starting',
    restarts,
    ...(waiting && { waiting: true }),
    ...(!up && place && { output: place }),
    ...(noLog !== undefined && { noLog: noLog.slice(0, maxShownReason) }),
  };
}
