import * as v from 'valibot';
import { SocketReferenceError } from '../errors/error.js';
import { maxRecordBytes, protocolVersion, recordMagic } from '../protocol/constants.js';
import { headerLine, publishedLine, serverLine, stoppingLine, temporaryLine } from '../protocol/record.js';
import type { Identity } from './identity.js';
import { ownStart } from './platform.js';

/**
 * The record of an owner: lines of JSON in its lock file. Each line is written before what it names exists. It tells
 * the next owner what to remove, and other processes who the owner is. It never decides whether an owner is alive.
 */
export interface OwnerRecord {
  /** The version of the record's format. */
  readonly version: number;
  readonly pid: number;
  /** The start time of that process in the kernel's ticks, where the platform tells it. */
  readonly start: string | undefined;
  /** When it became the owner, in milliseconds since 1970. */
  readonly since: number;
  /** Every socket that it published, oldest first. */
  readonly published: readonly Published[];
  /** Every private directory that it may have created, oldest first. */
  readonly temporaries: readonly string[];
  /** Every server that a keeper ran, oldest first. */
  readonly servers: readonly RecordedServer[];
  /** Whether it recorded that it is ending. */
  readonly stopping: boolean;
}

/** The processes of a server, and how to end them. */
export interface RecordedServer {
  /** The process group. Its number is the pid of the server. */
  readonly pgid: number;
  /** When the server started, in the kernel's ticks. */
  readonly start: string | undefined;
  /** A descriptor that its processes inherit; it leads to those that left the group. */
  readonly leash: string | undefined;
  /** The signal that ends it. */
  readonly signal: NodeJS.Signals;
  /** Milliseconds from that signal until it is killed. */
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
  /** The owner has begun to end, and waits for its open connections. */
  | { readonly stopping: true };

const none = { success: false } as const;

/** Parses a record from the text of a lock file. Skips torn and foreign lines; undefined without a header. */
export function parseRecord(text: string): OwnerRecord | undefined {
  let header: v.InferOutput<typeof headerLine> | undefined;
  const published: Published[] = [];
  const temporaries: string[] = [];
  const servers: RecordedServer[] = [];
  let stopping = false;
  // The text after the last newline is torn: its writer was stopped in the middle.
  for (const line of text.split('\n').slice(0, -1)) {
    const value = parseJson(line);
    // Try only the schema that can match: a list of all mismatches is slow to build.
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

/** Whether the start of a file can be that of a record, even one torn in its first line. */
export function looksLikeRecord(start: string): boolean {
  return start.startsWith(recordMagic) || recordMagic.startsWith(start);
}

/** The first line of the record of this process. */
export function recordHeader(since: number): object {
  return { sockref: protocolVersion, pid: process.pid, ...(ownStart && { start: ownStart }), since };
}

/** The text of lines of a record. */
export function recordLines(values: readonly object[]): Buffer {
  return Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
}

/** Throws if a record would grow to more than its limit. */
export function assertRecordFits(bytes: number): void {
  if (bytes <= maxRecordBytes) return;
  throw new SocketReferenceError(
    'ERR_SOCKREF_LIMIT_EXCEEDED',
    `The record of this socket would exceed ${maxRecordBytes} bytes: its files were removed and repaired too often; ` +
      'stop the program that removes them, and start the server again',
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
