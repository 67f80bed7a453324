import * as v from 'valibot';
import { protocolVersion } from '../files/record.js';

/** Characters that a label may have; it is shown in listings. */
export const maxLabelLength = 200;

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const positive = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const label = v.pipe(v.string(), v.maxLength(maxLabelLength));
const version = v.literal(protocolVersion);

const hello = v.object({
  type: v.literal('hello'),
  v: version,
  pid: positive,
  thread: v.optional(count),
  label: v.optional(label),
  references: positive,
  canServe: v.boolean(),
});
const references = v.object({ type: v.literal('references'), n: positive });
const bye = v.object({ type: v.literal('bye') });
const who = v.object({ type: v.literal('who') });
const stop = v.object({ type: v.literal('stop'), force: v.boolean() });
/** The first and only message on an anchor: a connection that does nothing but be open. */
const anchor = v.object({ type: v.literal('anchor'), key: v.string() });

/** What a member, or anybody who asks, sends to the owner. */
const toOwnerSchema = v.variant('type', [hello, references, bye, who, stop, anchor]);
export type ToOwner = v.InferOutput<typeof toOwnerSchema>;
export type Hello = v.InferOutput<typeof hello>;

/** Where the output of a server that is not up is, and where in the file it begins. */
const output = v.object({ file: v.string(), from: count });
const welcome = v.object({
  type: v.literal('welcome'),
  v: version,
  pid: positive,
  state: v.picklist(['starting', 'ready']),
  total: count,
  members: count,
  dependents: count,
  yours: count,
  maxReferences: positive,
  /** How long the owner's end may take, in milliseconds. */
  stopTimeoutMs: v.optional(count),
  /** Of an owner whose server is not up. */
  output: v.optional(output),
  /** What an anchor of this member has to name. */
  anchor: v.optional(v.string()),
});
const ready = v.object({ type: v.literal('ready') });
const stopping = v.object({ type: v.literal('stopping'), force: v.optional(v.boolean()) });
const counted = v.object({
  type: v.literal('count'),
  total: count,
  members: count,
  /** Members that cannot serve, and depend on somebody else to take over. */
  dependents: count,
  yours: count,
});
/** The last word on an anchor: from here on the member's references count as long as it is open. */
const anchored = v.object({ type: v.literal('anchored') });
/** To the member: nobody has its anchor open any more. */
const unanchored = v.object({ type: v.literal('unanchored') });
const failure = v.object({
  code: v.string(),
  message: v.string(),
  detail: v.optional(v.record(v.string(), v.union([v.string(), v.number(), v.boolean()]))),
});
const failed = v.object({ type: v.literal('failed'), ...failure.entries });
/** `failed`: the endpoint has ended, and something of it is left. */
const farewell = v.object({ type: v.literal('bye'), last: v.boolean(), failed: v.optional(failure) });
const holder = v.object({
  pid: positive,
  thread: v.optional(count),
  label: v.optional(label),
  references: count,
  since: count,
  canServe: v.boolean(),
});
const server = v.object({
  pid: v.optional(positive),
  /** The command as text, shortened. */
  command: v.string(),
  /** Its words, unless they are too many for a message. */
  argv: v.optional(v.array(v.string())),
  state: v.picklist(['starting', 'running', 'restarting']),
  /** How often it was started again. */
  restarts: count,
  /** It has ended by itself, and the next connection starts it. */
  waiting: v.optional(v.boolean()),
  /** Why its output is in no log. */
  noLog: v.optional(v.string()),
  /** While it is not up. */
  output: v.optional(output),
  /** Why nobody can connect to it although it runs. */
  problem: v.optional(v.string()),
});
const holders = v.object({
  type: v.literal('holders'),
  state: v.picklist(['starting', 'active', 'lingering', 'stopping']),
  owner: holder,
  /** The command that a keeper runs as the server. */
  server: v.optional(server),
  members: v.array(holder),
  /** Members that did not fit into the message. */
  more: count,
  total: count,
  since: count,
});

/** What the owner sends. */
const toMemberSchema = v.variant('type', [
  welcome,
  ready,
  failed,
  stopping,
  counted,
  anchored,
  unanchored,
  farewell,
  holders,
]);
export type ToMember = v.InferOutput<typeof toMemberSchema>;
export type Holders = v.InferOutput<typeof holders>;
export type ServerState = v.InferOutput<typeof server>;
export type Holder = v.InferOutput<typeof holder>;
export type Failure = v.InferOutput<typeof failure>;

/** A message that cannot be understood; `theirs` is set when it is of another version. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage';
  readonly theirs: number | undefined;

  constructor(message: string, theirs?: number) {
    super(message);
    this.theirs = theirs;
  }
}

/** Reads a message that a member sent. */
export function parseToOwner(line: string): ToOwner {
  return parse(toOwnerSchema, line);
}

/** Reads a message that an owner sent. */
export function parseToMember(line: string): ToMember {
  return parse(toMemberSchema, line);
}

function parse<Schema extends v.GenericSchema>(schema: Schema, line: string): v.InferOutput<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new MalformedMessage('a message that is not JSON');
  }
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const theirs = (value as { v?: unknown } | null)?.v;
  if (Number.isSafeInteger(theirs) && theirs !== protocolVersion) {
    throw new MalformedMessage(`a message of protocol version ${theirs}`, theirs as number);
  }
  const [issue] = result.issues;
  const where = v.getDotPath(issue) ?? 'the message';
  throw new MalformedMessage(`a malformed message: ${where}: ${issue.message}`);
}
