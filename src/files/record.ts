import * as v from 'valibot';
import { SocketReferenceError } from '../errors/error.js';
import { maxRecordBytes, protocolVersion, recordMagic } from '../protocol/constants.js';
import { headerLine, publishedLine, serverLine, stoppingLine, temporaryLine } from '../protocol/record.js';
import type { Identity } from './identity.js';
import { ownStart } from './platform.js';

/**
 * The record of an owner: lines of JSON in its lock file, each appended before what it names comes to be. It tells the
 * next owner what to remove, and anybody who the owner is. Nothing about life or death is decided from it.
 */
export interface OwnerRecord {
  /** Version of the files' layout. */
  readonly version: number;
  readonly pid: number;
  /** Start time of that process in the kernel's ticks, where the platform tells it. */
  readonly start: string | undefined;
  /** When it became owner, in milliseconds since 1970. */
  readonly since: number;
  /** Every socket that it has published, oldest first. */
  readonly published: readonly Published[];
  /** Every private directory that it may have made, oldest first. */
  readonly temporaries: readonly string[];
  /** Every server that a keeper has run, oldest first. */
  readonly servers: readonly RecordedServer[];
  /** Whether it said that it is ending. */
  readonly stopping: boolean;
}

/** The processes of a server, and how to end them. */
export interface RecordedServer {
  /** The group of processes, which has the number of the server itself. */
  readonly pgid: number;
  /** When the server began, in the kernel's ticks. */
  readonly start: string | undefined;
  /** A descriptor that its processes inherit, by which those are found that left the group. */
  readonly leash: string | undefined;
  /** The signal that ends it. */
  readonly signal: NodeJS.Signals;
  /** Milliseconds that it gets until it is killed. */
  readonly graceMs: number;
}

/** A socket file that was published under a name. */
export interface Published {
  readonly name: string;
  readonly file: Identity;
}

/** One line of the record, besides the first. */
export type RecordEntry =
  | { readonly published: Published }
  | { readonly temporary: string }
  | { readonly server: RecordedServer }
  /** It has begun to end, and only waits for its open connections. */
  | { readonly stopping: true };

const none = { success: false } as const;

/** Reads a record from the text of a lock file. Torn and foreign lines are passed over; undefined without a header. */
export function parseRecord(text: string): OwnerRecord | undefined {
  let header: v.InferOutput<typeof headerLine> | undefined;
  const published: Published[] = [];
  const temporaries: string[] = [];
  const servers: RecordedServer[] = [];
  let stopping = false;
  // What follows the last newline is torn: its writer was stopped in the middle.
  for (const line of text.split('\n').slice(0, -1)) {
    const value = parseJson(line);
    // Only what it could be: to be told all that it is not takes longer than the rest.
    const mayBe = (key: string): boolean => typeof value === 'object' && value !== null && key in value;
    const head = mayBe('sockref') ? v.safeParse(headerLine, value) : none;
    if (head.success) header = head.output;
    const entry = mayBe('published') ? v.safeParse(publishedLine, value) : none;
    if (entry.success) published.push(entry.output.published);
    const temporary = mayBe('temporary') ? v.safeParse(temporaryLine, value) : none;
    if (temporary.success) temporaries.push(temporary.output.temporary);
    const run = mayBe('server') ? v.safeParse(serverLine, value) : none;
    if (run.success) servers.push({ start: undefined, leash: undefined, ...run.output.server });
    stopping ||= mayBe('stopping') && v.is(stoppingLine, value);
  }
  if (!header) return undefined;
  const { sockref: version, pid, start, since } = header;
  return { version, pid, start, since, published, temporaries, servers, stopping };
}

/** Whether the text at the start of a file can be that of a record, be it torn in its first line. */
export function looksLikeRecord(start: string): boolean {
  return start.startsWith(recordMagic) || recordMagic.startsWith(start);
}

/** The first line of the record of this process. */
export function recordHeader(since: number): object {
  return { sockref: protocolVersion, pid: process.pid, ...(ownStart && { start: ownStart }), since };
}

/** What is written for lines of a record. */
export function recordLines(values: readonly object[]): Buffer {
  return Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
}

/** Refuses to let a record grow to so many bytes. */
export function assertRecordFits(bytes: number): void {
  if (bytes <= maxRecordBytes) return;
  throw new SocketReferenceError(
    'ERR_SOCKREF_LIMIT_EXCEEDED',
    `The record of this socket would exceed ${maxRecordBytes} bytes: its files were removed and repaired too often; ` +
      'stop whatever removes them, and start the server again',
    { limit: 'recordBytes', max: maxRecordBytes },
  );
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // A torn or foreign line names nothing.
    return undefined;
  }
}
